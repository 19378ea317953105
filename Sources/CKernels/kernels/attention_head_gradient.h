// attention_head_gradient.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_HEAD_GRADIENT_H
#define KERNEL_ATTENTION_HEAD_GRADIENT_H

#include "attention_tile.h"

// The tensors of one head, at its first row.
typedef struct {
    float *d_q, *d_k, *d_v;
    const float *d_y, *y, *q, *k, *v, *maximums, *sums;
} attention_pointers;

// What a block of queries needs: their largest scores (infinity where there is no query:
// weights are 0); what makes weights after dropout of powers, keep / sum, and gradients of
// scores, scale / sum; and delta = <d_y[i], y[i]>, which the softmax's normaliser takes away.
typedef struct {
    floats maximum, weight, gradient, delta;
} attention_block;

// delta of up to LANES queries, column by column as attention_multiply adds up <d_y[i], v[j]>.
// Where one key has all the weight, y is its v, and their difference is 0 to the last bit:
// what rounding left of it would be multiplied by queries and keys, which are large there.
INLINE floats attention_delta(const float *d_y, const float *y, int rows,
                              const attention_sizes *sizes) {
    _Alignas(64) float d_columns[LANES * LANES], columns[LANES * LANES];
    int depth = attention_depth(sizes), whole = sizes->whole;
    size_t row = sizes->outputs.row;
    floats delta = {0};
    for (int c = 0; c < depth; c += LANES) {
        int left = depth - c;
        attention_turn(d_columns, attention_pad(d_columns, d_y + c, row, rows, left, whole),
                       1.0f);
        attention_turn(columns, attention_pad(columns, y + c, row, rows, left, whole), 1.0f);
        for (int i = 0; i < LANES; i++) {
            delta = floats_multiply_add(floats_load(columns + i * LANES),
                                        floats_load(d_columns + i * LANES), delta);
        }
    }
    return delta;
}

INLINE attention_block attention_block_of(attention_pointers at, int query,
                                          const attention_sizes *sizes) {
    size_t first = query * sizes->outputs.row;
    int queries = attention_tile_at(query, 0, sizes).queries;
    ints there = ints_count() < queries;
    floats sum = floats_load_some(at.sums + query, queries);
    floats inverse = floats_select(there, 1.0f / sum, (floats){0});
    attention_block block = {
        floats_select(there, floats_load_some(at.maximums + query, queries),
                      floats_all(INFINITY)),
        inverse * sizes->keep,
        inverse * sizes->scale,
        attention_delta(at.d_y + first, at.y + first, queries, sizes),
    };
    return block;
}

// Turns the powers p of a square into weights after dropout, and the gradients d of weights
// that are not dropped, times keep, into those of the scores:
//
//   weight = m keep / sum p    d_score = scale / sum p (m d - delta)
//
// m is 0 where bits (if not NULL) are low, else 1; slopes, if not NULL, are a cap's.
INLINE void attention_score_gradient(float *weights, float *d_scores, const floats *d,
                                     const float *slopes, const words *bits,
                                     attention_block block, const attention_sizes *sizes) {
    UNROLL
    for (int j = 0; j < LANES; j++) {
        floats p = floats_load(weights + j * LANES), d_j = d[j], weight = block.weight;
        if (bits) {
            ints kept = bits[j] >= sizes->threshold;
            d_j = floats_select(kept, d_j, (floats){0});
            weight = floats_select(kept, weight, (floats){0});
        }
        floats_store(weights + j * LANES, p * weight);
        floats d_score = (d_j - block.delta) * (p * block.gradient);
        if (slopes) { d_score *= floats_load(slopes + j * LANES); }
        floats_store(d_scores + j * LANES, d_score);
    }
}

// Turns a tile's scores into weights after dropout, and finds the gradients of those scores.
INLINE void attention_reweigh(float *weights, float *d_scores, const float *slopes,
                              const words *bits, const float *d_y, const float *v,
                              attention_block block, attention_tile tile,
                              const attention_sizes *sizes) {
    _Alignas(64) float queries[LANES * LANES], values[ATTENTION_KEYS * LANES];
    size_t in = sizes->keys.row, out = sizes->outputs.row;
    int depth = attention_depth(sizes);
    for (int c = 0; c < depth; c += LANES) {
        int left = depth - c;
        attention_company with = {.powers = c == 0 ? weights : NULL,
                                  .shift = block.maximum};
        attention_turn(queries,
                       attention_pad(queries, d_y + c, out, tile.queries, left, sizes->whole),
                       1.0f);
        attention_pack(values, v + c, in, tile.keys, left, sizes->keep);
        for (int j = 0; j < tile.keys; j += LANES) {
            float *d_j = d_scores + j * LANES, *weights_j = weights + j * LANES;
            floats d[LANES];
            UNROLL
            for (int l = 0; l < LANES; l++) {
                d[l] = c > 0 ? floats_load(d_j + l * LANES) : (floats){0};
            }
            attention_multiply(d, queries, values + j * LANES, attention_company_at(with, j));
            if (left <= LANES) {
                attention_score_gradient(weights_j, d_j, d,
                                         slopes ? slopes + j * LANES : NULL,
                                         bits ? bits + j : NULL, block, sizes);
                continue;
            }
            UNROLL
            for (int l = 0; l < LANES; l++) { floats_store(d_j + l * LANES, d[l]); }
        }
    }
}

// d_q[i] (+)= sum over j of d_scores[j, i] k[j]; the first tile of keys writes, later ones
// add.
INLINE void attention_query_gradient(float *d_q, const float *d_scores, const float *k,
                                     attention_tile tile, const attention_sizes *sizes) {
    _Alignas(64) float keys[ATTENTION_KEYS * LANES];
    int depth = attention_depth(sizes), whole = sizes->whole;
    for (int c = 0; c < depth; c += LANES) {
        int left = depth - c;
        floats sum[LANES];
        attention_sum_keys(
            sum, d_scores,
            attention_pad(keys, k + c, sizes->keys.row, tile.keys, left, whole), tile);
        attention_store(d_q + c, sum, sizes->gradients.row, tile.queries, left,
                        tile.key > tile.first, whole);
    }
}

// d_x[j] (+)= sum over i of a[j, i] x[i], over the queries i that see key j: d_k from
// d_scores and q, d_v from the weights and d_y. The block of queries on the diagonal is the
// first to come and writes, later ones add, and so do all of heads with `add`.
INLINE void attention_key_gradient(float *d_x, const float *a, const float *x, size_t x_row,
                                   int add, attention_tile tile,
                                   const attention_sizes *sizes) {
    _Alignas(64) float queries[LANES * LANES];
    int depth = attention_depth(sizes), whole = sizes->whole;
    size_t row = sizes->d_keys.row;
    for (int c = 0; c < depth; c += LANES) {
        attention_columns x_c =
            attention_pad(queries, x + c, x_row, tile.queries, depth - c, whole);
        for (int j = 0; j < tile.keys; j += LANES) {
            floats sum[LANES];
            UNROLL
            for (int l = 0; l < LANES; l++) { sum[l] = (floats){0}; }
            if (tile.key + j == tile.query) {
                attention_add(sum, a + j * LANES, LANES, 1, x_c, 1);
            } else {
                attention_add(sum, a + j * LANES, LANES, 1, x_c, 0);
            }
            attention_store(d_x + j * row + c, sum, row, smaller(LANES, tile.keys - j),
                            depth - c, add || tile.key + j < tile.query, whole);
        }
    }
}

// The tensors of the head of number `pair`.
INLINE attention_pointers attention_head_at(attention_pointers at, int pair,
                                            const attention_sizes *sizes) {
    size_t in = attention_at(sizes->inputs, pair, sizes->heads);
    size_t keys = attention_keys_at(sizes->keys, pair, sizes);
    size_t to_keys = attention_keys_at(sizes->d_keys, pair, sizes);
    size_t out = attention_at(sizes->outputs, pair, sizes->heads);
    size_t to = attention_at(sizes->gradients, pair, sizes->heads);
    attention_pointers head = {
        at.d_q + to, at.d_k + to_keys, at.d_v + to_keys, at.d_y + out, at.y + out, at.q + in,
        at.k + keys, at.v + keys, at.maximums + (size_t)pair * sizes->length,
        at.sums + (size_t)pair * sizes->length,
    };
    return head;
}

// Rows first ..< end of the next sequence, of all heads, are prefetched while a block is worked
// on: forward's results have long left the cache. Every block of every head prefetches its share,
// so that memory is asked for whole rows, one after the other, and never for many at once.
typedef struct {
    attention_pointers at;
    int first, end, width, keys;  // rows; how wide queries are, and keys
} attention_ahead;

INLINE attention_ahead attention_ahead_of(attention_pointers all, int pair, int query,
                                          const attention_sizes *sizes) {
    int heads = sizes->heads, next = pair / heads + 1;
    int blocks = blocks_of(sizes->length, LANES);
    int share = pair % heads * blocks + query / LANES;
    attention_ahead ahead = {.at = all, .width = heads * attention_depth(sizes)};
    ahead.keys = ahead.width / sizes->group;
    if (next < sizes->sequences) {
        ahead.at = attention_head_at(all, next * heads, sizes);
        ahead.first = block_start(share, sizes->length, heads * blocks);
        ahead.end = block_start(share + 1, sizes->length, heads * blocks);
    }
    return ahead;
}

// Calls the rows of x that are ahead, to be read or to be written (a constant).
#define ATTENTION_CALL(x, row, ahead, columns, write)                                     \
    for (int i = (ahead)->first; i < (ahead)->end; i++) {                                 \
        for (int c = 0; c < (ahead)->columns; c += 16) {                                  \
            __builtin_prefetch((x) + i * (row) + c, write);                               \
        }                                                                                 \
    }

// What one tile adds to the gradients. Rows ahead are prefetched a few with every step: of too
// many at once some would be dropped. Their order is the fastest that was measured.
INLINE void attention_tile_gradient(attention_pointers at, const attention_ahead *ahead,
                                    attention_block block, attention_tile tile, int pair,
                                    const attention_sizes *sizes) {
    _Alignas(64) float weights[ATTENTION_KEYS * LANES], d_scores[ATTENTION_KEYS * LANES];
    _Alignas(64) float cap_slopes[ATTENTION_KEYS * LANES];
    words bits[ATTENTION_KEYS];
    words *drawn = sizes->threshold ? bits : NULL;
    float *slopes = sizes->cap > 0 ? cap_slopes : NULL;
    size_t in = sizes->inputs.row, out = sizes->outputs.row, to = sizes->gradients.row;
    size_t key_in = sizes->keys.row, key_to = sizes->d_keys.row;
    size_t query = tile.query, key = tile.key;
    const float *q = at.q + query * in, *k = at.k + key * key_in, *v = at.v + key * key_in;
    const float *d_y = at.d_y + query * out;
    int add = pair % sizes->group > 0;
    floats none = {0};
    ATTENTION_CALL(ahead->at.y, out, ahead, width, 0)
    ATTENTION_CALL(ahead->at.d_y, out, ahead, width, 0)
    attention_scores(weights, slopes, drawn, q, k, none, tile, pair, sizes);
    ATTENTION_CALL(ahead->at.q, in, ahead, width, 0)
    ATTENTION_CALL(ahead->at.d_v, key_to, ahead, keys, 1)
    attention_reweigh(weights, d_scores, slopes, drawn, d_y, v, block, tile, sizes);
    ATTENTION_CALL(ahead->at.d_q, to, ahead, width, 1)
    attention_query_gradient(at.d_q + query * to, d_scores, k, tile, sizes);
    ATTENTION_CALL(ahead->at.k, key_in, ahead, keys, 0)
    attention_key_gradient(at.d_k + key * key_to, d_scores, q, in, add, tile, sizes);
    ATTENTION_CALL(ahead->at.d_k, key_to, ahead, keys, 1)
    attention_key_gradient(at.d_v + key * key_to, weights, d_y, out, add, tile, sizes);
    ATTENTION_CALL(ahead->at.v, key_in, ahead, keys, 0)
}

// Gradients of the head of number `pair`. Its blocks of queries come in order.
INLINE void attention_head_gradient(attention_pointers all, int pair,
                                    const attention_sizes *sizes) {
#if MODEL_TAKES_DOCUMENTS
    const attention_sizes own = attention_of_sequence(sizes, pair);
    sizes = &own;
#endif
    attention_pointers at = attention_head_at(all, pair, sizes);
    for (int query = 0; query < sizes->length; query += LANES) {
        int queries = attention_tile_at(query, 0, sizes).queries;
        attention_ahead ahead = attention_ahead_of(all, pair, query, sizes);
        attention_block block = attention_block_of(at, query, sizes);
        int first = attention_first_key(query, sizes);
        for (int key = first; key < query + queries; key += ATTENTION_KEYS) {
            attention_tile tile = attention_tile_at(query, key, sizes);
            attention_tile_gradient(at, &ahead, block, tile, pair, sizes);
            ahead.end = ahead.first;
        }
    }
}

#endif
