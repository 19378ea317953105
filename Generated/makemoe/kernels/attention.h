// attention.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_H
#define KERNEL_ATTENTION_H

#include "base.h"
#include "attention_tile.h"
#include "random.h"
#include "vector_math.h"

// What is known of the queries of a tile after some of their keys: the largest score, the sum
// of 2^(score - maximum), and what the output so far and the new part are to be multiplied
// by.
typedef struct {
    floats maximum, sum, before, after;
} attention_state;

// The largest score of each query, those of the tile and `maximum`.
INLINE floats attention_largest(const float *scores, attention_tile tile, floats maximum) {
    floats best[4];
    UNROLL
    for (int b = 0; b < 4; b++) { best[b] = maximum; }
    for (int j = 0; j < tile.keys; j += LANES) {
        UNROLL
        for (int l = 0; l < LANES; l++) {
            best[l % 4] = floats_max(floats_load(scores + (j + l) * LANES), best[l % 4]);
        }
    }
    return floats_max(floats_max(best[0], best[1]), floats_max(best[2], best[3]));
}

// Turns a tile's scores into weights 2^(score - maximum), 0 where dropped. The sums are of
// the weights before dropout, as softmax comes first. The last tile of keys normalises.
INLINE void attention_weigh(float *scores, attention_state *state, attention_tile tile,
                            int pair, const attention_sizes *sizes) {
    int end = tile.key + tile.keys, last = end == tile.query + tile.queries;
    attention_mask(scores, tile);
    floats maximum = attention_largest(scores, tile, state->maximum);
    floats before = floats_exp2(state->maximum - maximum), sum = state->sum * before;
    words number = attention_numbers(tile, pair, sizes->context);
    for (int j = 0; j < tile.keys; j++) {
        floats weight = floats_exp2(floats_load(scores + j * LANES) - maximum);
        sum += weight;
        if (sizes->threshold) {
            ints kept = random_lanes(sizes->key, number + (uint32_t)j) >= sizes->threshold;
            weight = (floats)((ints)weight & kept);
        }
        floats_store(scores + j * LANES, weight);
    }
    state->maximum = maximum;
    state->sum = sum;
    state->after = last ? floats_all(sizes->keep) / sum : floats_all(1.0f);
    state->before = before * state->after;
}

// y[i] = before[i] y[i] + after[i] sum over j of weights[j, i] v[j]
INLINE void attention_average(float *y, const float *weights, const float *v,
                              const attention_state *state, attention_tile tile,
                              const attention_sizes *sizes) {
    _Alignas(64) float values[ATTENTION_KEYS * LANES], before[LANES], after[LANES];
    floats_store(before, state->before);
    floats_store(after, state->after);
    for (int c = 0; c < sizes->depth; c += LANES) {
        int columns = sizes->depth - c;
        floats sum[LANES];
        attention_sum_keys(
            sum, weights, attention_pad(values, v + c, sizes->inputs.row, tile.keys, columns),
            tile);
        UNROLL
        for (int i = 0; i < LANES; i++) { sum[i] *= after[i]; }
        float *y_i = y + c;
        for (int i = 0; i < tile.queries && tile.key > 0; i++, y_i += sizes->outputs.row) {
            floats_store_some(y_i, floats_load_some(y_i, columns) * before[i], columns);
        }
        attention_store(y + c, sum, sizes->outputs.row, tile.queries, columns, tile.key > 0);
    }
}

// Attention of the head of number `pair`; q, k, v and y point at its first row.
INLINE void attention_head(float *restrict y, float *restrict logsumexp,
                           const float *restrict q, const float *restrict k,
                           const float *restrict v, int pair, const attention_sizes *sizes) {
    _Alignas(64) float scores[ATTENTION_KEYS * LANES];
    size_t row = sizes->inputs.row;
    for (int query = sizes->first; query < sizes->length; query += LANES) {
        attention_state state = {floats_all(-INFINITY), {0}, {0}, {0}};
        for (int key = 0; key < smaller(query + LANES, sizes->length);
             key += ATTENTION_KEYS) {
            attention_tile tile = attention_tile_at(query, key, sizes->length);
            attention_scores(scores, q + query * row, row, k + key * row, row, sizes->depth,
                             sizes->scale * LOG2_E, tile);
            attention_weigh(scores, &state, tile, pair, sizes);
            attention_average(y + query * sizes->outputs.row, scores, v + key * row, &state,
                              tile, sizes);
        }
        if (logsumexp == NULL) { continue; }
        floats_store_some(logsumexp + query, state.maximum + floats_log(state.sum) * LOG2_E,
                          sizes->length - query);
    }
}

static inline void attention_heads(float *restrict y, float *restrict logsumexp,
                                   const float *restrict q, const float *restrict k,
                                   const float *restrict v, const attention_sizes *sizes) {
    int pairs = sizes->sequences * sizes->heads;
    #pragma omp parallel for if ((size_t)pairs * sizes->length * sizes->depth > 4096)
    for (int pair = 0; pair < pairs; pair++) {
        attention_sizes own = *sizes;
        size_t from = attention_at(own.inputs, pair, own.heads);
        size_t to = attention_at(own.outputs, pair, own.heads);
        float *at = logsumexp ? logsumexp + (size_t)pair * own.length : NULL;
        attention_head(y + to, at, q + from, k + from, v + from, pair, &own);
    }
}

// Causal attention of every (sequence, head), with dropout on the softmaxed weights.
//
//   y[i] = sum over j <= i of drop(softmax over j <= i of (scale <q[i], k[j]>)) v[j]
//
//   q, k, v: row t of sequence s begins at (s length + t) row and holds all heads, one after
//   the other: row = heads * depth, or 3 heads * depth for the parts of one tensor
//   y [sequences, length, heads * depth]
//   logsumexp [sequences, heads, length] for backward, in powers of 2 rather than e:
//   log2(sum of 2^(score log2(e))); or NULL: not kept
//
// The scores carry log2(e), so that the weights are powers of 2, which take the least work.
// The softmax is built up tile by tile: when a later tile holds a larger score, what was
// summed so far is scaled down. Dropout's weight number is ((s heads + h) length + i)
// length + j.
KERNEL void causal_attention(float *restrict y, float *restrict logsumexp,
                             const float *restrict q, const float *restrict k,
                             const float *restrict v, int row, int sequences, int heads,
                             int length, int depth, float scale, double rate, uint64_t key) {
    attention_sizes sizes = attention_sizes_of(sequences, heads, length, depth, length,
                                               scale, rate, key);
    sizes.inputs = attention_head_strides(length, depth, row);
    sizes.outputs = attention_head_strides(length, depth, heads * depth);
    attention_heads(y, logsumexp, q, k, v, &sizes);
}

// The same for `length` positions after `past` others of the same sequence: q, k, v and y
// point at the first of these, and before it lie the rows of the others, as they were then.
//
// Queries go in groups of LANES from the first position of all on, wherever a pass begins, so
// that the sums of a row have one order: rows before y that share a group with it are made
// again.
KERNEL void causal_attention_after(float *y, float *restrict logsumexp, const float *q,
                                   const float *k, const float *v, int row, int sequences,
                                   int heads, int past, int length, int depth, float scale,
                                   double rate, uint64_t key) {
    int whole = past + length;
    size_t before = (size_t)past * row;
    attention_sizes sizes = attention_sizes_of(sequences, heads, whole, depth, whole, scale,
                                               rate, key);
    sizes.inputs = attention_head_strides(whole, depth, row);
    sizes.outputs = attention_head_strides(whole, depth, heads * depth);
    sizes.first = past - past % LANES;
    attention_heads(y - (size_t)past * sizes.outputs.row, logsumexp, q - before, k - before,
                    v - before, &sizes);
}

#endif
