// attention_head.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_HEAD_H
#define KERNEL_ATTENTION_HEAD_H

#include "attention_tile.h"

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
    if (tile.key > tile.first || sizes->sinks) {
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
    int depth = attention_depth(sizes), add = tile.key > tile.first;
    size_t row = sizes->outputs.row;
    floats_store(before, state->before);
    floats_store(after, state->after);
    for (int c = 0; c < depth; c += LANES) {
        int columns = depth - c;
        floats sum[LANES];
        attention_sum_keys(sum, weights,
                           attention_pad(values, v + c, sizes->keys.row, tile.keys, columns,
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

// What is known of the queries of the head of number `pair` before any key: nothing, or that
// there is a sink, whose weight no value takes.
INLINE attention_state attention_begin(int pair, const attention_sizes *sizes) {
#if MODEL_TAKES_DOCUMENTS
    // Of the first tiles a query may see no key: their scores are infinitely far below this.
    attention_state state = {floats_all(-0x1p127f), {0}, {0}, {0}};
#else
    attention_state state = {floats_all(-INFINITY), {0}, {0}, {0}};
#endif
    if (sizes->sinks) {
        state.maximum = floats_all(sizes->sinks[pair % sizes->heads] * LOG2_E);
        state.sum = floats_all(1.0f);
    }
    return state;
}

// Heads that are worked on in step: one's products are there to be done while the other's
// scores and exponentials wait for each other.
#define ATTENTION_HEADS 2

#if MODEL_TAKES_DOCUMENTS
// Attention of the heads of number pair ..< pair + heads of a sequence, at most ATTENTION_HEADS.
#else
// Attention of the heads of number pair ..< pair + heads, at most ATTENTION_HEADS.
#endif
INLINE void attention_head(float *restrict y, float *restrict maximums,
                           float *restrict sums,
                           const float *restrict q, const float *restrict k,
                           const float *restrict v, int pair, int heads,
                           const attention_sizes *sizes) {
#if MODEL_TAKES_DOCUMENTS
    const attention_sizes own = attention_of_sequence(sizes, pair);
    sizes = &own;
#endif
    _Alignas(64) float scores[ATTENTION_HEADS][ATTENTION_KEYS * LANES];
    words bits[ATTENTION_HEADS][ATTENTION_KEYS];
    attention_state state[ATTENTION_HEADS];
    floats maximum[ATTENTION_HEADS];
    size_t from[ATTENTION_HEADS], keys[ATTENTION_HEADS], to[ATTENTION_HEADS];
    size_t row = sizes->inputs.row, key_row = sizes->keys.row;
    for (int h = 0; h < heads; h++) {
        from[h] = attention_at(sizes->inputs, pair + h, sizes->heads);
        keys[h] = attention_keys_at(sizes->keys, pair + h, sizes);
        to[h] = attention_at(sizes->outputs, pair + h, sizes->heads);
    }
    for (int query = sizes->first; query < sizes->length; query += LANES) {
        for (int h = 0; h < heads; h++) { state[h] = attention_begin(pair + h, sizes); }
        int first = attention_first_key(query, sizes);
        for (int key = first; key < smaller(query + LANES, sizes->length);
             key += ATTENTION_KEYS) {
            attention_tile tile = attention_tile_at(query, key, sizes);
            for (int h = 0; h < heads; h++) {
                const float *q_h = q + from[h] + query * row;
                const float *k_h = k + keys[h] + key * key_row;
                maximum[h] = attention_scores(scores[h], NULL,
                                              sizes->threshold ? bits[h] : NULL, q_h, k_h,
                                              state[h].maximum, tile, pair + h, sizes);
                if (key == first) { attention_call_output(y, pair + heads + h, query, sizes); }
            }
            for (int h = 0; h < heads; h++) {
                attention_weigh(scores[h], bits[h], &state[h], maximum[h], tile, sizes);
                attention_average(y + to[h] + query * sizes->outputs.row, scores[h],
                                  v + keys[h] + key * key_row, &state[h], tile, sizes);
            }
        }
        for (int h = 0; h < heads && maximums != NULL; h++) {
            size_t at = (size_t)(pair + h) * sizes->length + query;
            floats_store_some(maximums + at, state[h].maximum, sizes->length - query);
            floats_store_some(sums + at, state[h].sum, sizes->length - query);
        }
    }
}

#endif
