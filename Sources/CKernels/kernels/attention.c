// attention.c: a kernel of moec's, the same for every model.

#include "attention.h"
#include "attention_tile.h"
#include "threads.h"

// What is known of the queries of a tile after some of their keys: the largest score, the sum
// of 2^(score - maximum), and what the output so far and the new part are to be multiplied
// by.
typedef struct {
    floats maximum, sum, before, after;
} attention_state;

// scores = 2^(score - maximum), 0 where dropped: where bits (if not NULL) are low. Returns
// `sum` plus those before dropout, as softmax comes first.
INLINE floats attention_powers(float *scores, const words *bits, floats maximum, floats sum,
                               int keys, uint32_t threshold) {
    for (int j = 0; j < keys; j += 4) {
        UNROLL
        for (int l = 0; l < 4; l++, scores += LANES) {
            floats weight = floats_exp2(floats_load(scores) - maximum);
            sum += weight;
            if (bits) { weight = (floats)((ints)weight & (bits[j + l] >= threshold)); }
            floats_store(scores, weight);
        }
    }
    return sum;
}

// Turns a tile's scores into weights 2^(score - maximum), 0 where dropped; `maximum` is the
// largest score of each query so far. The last tile of keys normalises.
INLINE void attention_weigh(float *scores, const words *bits, attention_state *state,
                             floats maximum, attention_tile tile,
                             const attention_sizes *sizes) {
    int end = tile.key + tile.keys, last = end == tile.query + tile.queries;
    floats before = {0}, sum = {0};
    if (tile.key > 0) {
        before = floats_exp2(state->maximum - maximum);
        sum = state->sum * before;
    }
    uint32_t threshold = sizes->threshold;
    sum = threshold ? attention_powers(scores, bits, maximum, sum, tile.keys, threshold)
                    : attention_powers(scores, NULL, maximum, sum, tile.keys, 0);
    state->maximum = maximum;
    state->sum = sum;
    state->after = last ? floats_all(sizes->keep) / sum : floats_all(1.0f);
    state->before = before * state->after;
}

// y = (add ? before y : 0) + after sum, for up to LANES columns.
INLINE void attention_blend(float *y, floats sum, float before, float after, int add,
                            int columns) {
    floats part = sum * after;
    if (add) {
        floats earlier = floats_load_some(y, columns) * before;
        part = earlier + part;
    }
    floats_store_some(y, part, columns);
}

// y[i] = before[i] y[i] + after[i] sum over j of weights[j, i] v[j]
INLINE void attention_average(float *y, const float *weights, const float *v,
                              const attention_state *state, attention_tile tile,
                              const attention_sizes *sizes) {
    _Alignas(64) float values[ATTENTION_KEYS * LANES], sums[LANES * LANES];
    _Alignas(64) float before[LANES], after[LANES];
    int depth = attention_depth(sizes), add = tile.key > 0;
    size_t row = sizes->outputs.row;
    floats_store(before, state->before);
    floats_store(after, state->after);
    for (int c = 0; c < depth; c += LANES) {
        int columns = depth - c;
        floats sum[LANES];
        attention_sum_keys(sum, weights,
                           attention_pad(values, v + c, sizes->inputs.row, tile.keys, columns,
                                         sizes->whole),
                           tile);
        if (sizes->whole) {
            UNROLL
            for (int i = 0; i < LANES; i++) {
                attention_blend(y + i * row, sum[i], before[i], after[i], add, LANES);
            }
            continue;
        }
        UNROLL
        for (int i = 0; i < LANES; i++) { floats_store(sums + i * LANES, sum[i]); }
        for (int i = 0; i < tile.queries; i++) {
            attention_blend(y + c + i * row, floats_load(sums + i * LANES), before[i],
                            after[i], add, columns);
        }
    }
}

// Calls the rows of y that a block of the head of number `pair` will write, if there is such
// a head: in training they were last written a step ago.
INLINE void attention_call_output(const float *y, int pair, int query,
                                  const attention_sizes *sizes) {
    size_t row = sizes->outputs.row;
    const float *y_i = y + attention_at(sizes->outputs, pair, sizes->heads) + query * row;
    int queries = attention_tile_at(query, 0, sizes).queries;
    if (pair >= sizes->sequences * sizes->heads) { return; }
    for (int i = 0; i < queries; i++, y_i += row) {
        for (int c = 0; c < attention_depth(sizes); c += 16) {
            __builtin_prefetch(y_i + c, 1);
        }
    }
}

// Heads that are worked on in step: one's products are there to be done while the other's
// scores and exponentials wait for each other.
#define ATTENTION_HEADS 2

// Attention of the heads of number pair ..< pair + heads, at most ATTENTION_HEADS.
INLINE void attention_head(float *restrict y, float *restrict maximums,
                           float *restrict sums,
                           const float *restrict q, const float *restrict k,
                           const float *restrict v, int pair, int heads,
                           const attention_sizes *sizes) {
    _Alignas(64) float scores[ATTENTION_HEADS][ATTENTION_KEYS * LANES];
    words bits[ATTENTION_HEADS][ATTENTION_KEYS];
    attention_state state[ATTENTION_HEADS];
    floats maximum[ATTENTION_HEADS];
    size_t from[ATTENTION_HEADS], to[ATTENTION_HEADS], row = sizes->inputs.row;
    for (int h = 0; h < heads; h++) {
        from[h] = attention_at(sizes->inputs, pair + h, sizes->heads);
        to[h] = attention_at(sizes->outputs, pair + h, sizes->heads);
    }
    for (int query = sizes->first; query < sizes->length; query += LANES) {
        for (int h = 0; h < heads; h++) {
            state[h] = (attention_state){floats_all(-INFINITY), {0}, {0}, {0}};
        }
        for (int key = 0; key < smaller(query + LANES, sizes->length);
             key += ATTENTION_KEYS) {
            attention_tile tile = attention_tile_at(query, key, sizes);
            for (int h = 0; h < heads; h++) {
                const float *q_h = q + from[h] + query * row, *k_h = k + from[h] + key * row;
                maximum[h] = attention_scores(scores[h], sizes->threshold ? bits[h] : NULL,
                                              q_h, k_h, state[h].maximum, tile, pair + h,
                                              sizes);
                if (key == 0) { attention_call_output(y, pair + heads + h, query, sizes); }
            }
            for (int h = 0; h < heads; h++) {
                attention_weigh(scores[h], bits[h], &state[h], maximum[h], tile, sizes);
                attention_average(y + to[h] + query * sizes->outputs.row, scores[h],
                                  v + from[h] + key * row, &state[h], tile, sizes);
            }
        }
        for (int h = 0; h < heads && maximums != NULL; h++) {
            size_t at = (size_t)(pair + h) * sizes->length + query;
            floats_store_some(maximums + at, state[h].maximum, sizes->length - query);
            floats_store_some(sums + at, state[h].sum, sizes->length - query);
        }
    }
}

// The same where all tiles are whole, and where they need not be.
OUTLINE void attention_whole_heads(float *restrict y, float *restrict maximums,
                                   float *restrict sums,
                                   const float *restrict q, const float *restrict k,
                                   const float *restrict v, int pair, int heads,
                                   const attention_sizes *sizes) {
    attention_sizes own = *sizes;
    own.whole = 1;
    attention_head(y, maximums, sums, q, k, v, pair, heads, &own);
}

OUTLINE void attention_any_heads(float *restrict y, float *restrict maximums,
                                 float *restrict sums,
                                 const float *restrict q, const float *restrict k,
                                 const float *restrict v, int pair, int heads,
                                 const attention_sizes *sizes) {
    attention_sizes own = *sizes;
    own.whole = 0;
    attention_head(y, maximums, sums, q, k, v, pair, heads, &own);
}

static inline void attention_heads(float *restrict y, float *restrict maximums,
                                   float *restrict sums,
                                   const float *restrict q, const float *restrict k,
                                   const float *restrict v, const attention_sizes *sizes) {
    int pairs = sizes->sequences * sizes->heads;
    #pragma omp parallel if ((size_t)pairs * sizes->length * sizes->depth > 4096)
    FOR_OWN(block, blocks_of(pairs, ATTENTION_HEADS)) {
        int pair = block * ATTENTION_HEADS;
        int heads = smaller(pairs - pair, ATTENTION_HEADS);
        if (sizes->whole) {
            attention_whole_heads(y, maximums, sums, q, k, v, pair, heads, sizes);
        } else {
            attention_any_heads(y, maximums, sums, q, k, v, pair, heads, sizes);
        }
    }
}

void causal_attention(float *restrict y, float *restrict maximums,
                      float *restrict sums,
                      const float *restrict q, const float *restrict k,
                      const float *restrict v, int row, int sequences, int heads,
                      int length, int depth, float scale, double rate, uint64_t key) {
    attention_sizes sizes = attention_sizes_of(sequences, heads, length, depth, length,
                                               scale, rate, key);
    sizes.inputs = attention_head_strides(length, depth, row);
    sizes.outputs = attention_head_strides(length, depth, heads * depth);
    attention_heads(y, maximums, sums, q, k, v, &sizes);
}

void causal_attention_after(float *y, float *restrict maximums,
                            float *restrict sums, const float *q,
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
    attention_heads(y - (size_t)past * sizes.outputs.row, maximums, sums, q - before,
                    k - before, v - before, &sizes);
}
