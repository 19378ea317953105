// attention_tile.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_TILE_H
#define KERNEL_ATTENTION_TILE_H

#include "base.h"
#include "random.h"
#include "vector_math.h"

// Attention works on tiles: LANES queries, one in each lane, by up to 64 keys of one
// (sequence, head). With a query in each lane, the softmax over keys needs no sums across
// lanes, and keys and values are read as they lie. A tile is held in a small array on the
// stack, so that the memory needed does not grow with the square of the length. Depth is
// taken LANES columns at a time.

#define ATTENTION_KEYS 64
#define ATTENTION_ROWS (LANES < 8 ? LANES : 8)  // keys whose sums are formed together

// Row i of (sequence s, head h) begins at s sequence + h head + i row.
typedef struct {
    size_t sequence, head, row;
} attention_strides;

// Sizes shared by all tiles of a call.
typedef struct {
    int sequences, heads, length, depth;
    attention_strides inputs, outputs, gradients;  // of q, k, v; of y, d_y; of d_q, d_k, d_v
    float scale;         // of the scores
    int context;         // the length that numbers the weights for dropout
    uint32_t threshold;  // weights whose bits are below are dropped; 0: no dropout
    float keep;          // the factor of the others
    uint64_t key;
} attention_sizes;

// All sizes but the strides.
static inline attention_sizes attention_sizes_of(int sequences, int heads, int length,
                                                 int depth, int context, float scale,
                                                 double rate, uint64_t key) {
    attention_sizes sizes = {
        .sequences = sequences,
        .heads = heads,
        .length = length,
        .depth = depth,
        .scale = scale,
        .context = context,
        .threshold = rate > 0 ? dropout_threshold(rate) : 0,
        .keep = dropout_scale(rate),
        .key = key,
    };
    return sizes;
}

// Strides of heads that lie side by side in rows of `row` floats.
static inline attention_strides attention_head_strides(int length, int depth, int row) {
    attention_strides strides = {(size_t)length * row, (size_t)depth, (size_t)row};
    return strides;
}

// Where the head of number `pair` = sequence * heads + head begins.
static inline size_t attention_at(attention_strides strides, int pair, int heads) {
    return (size_t)(pair / heads) * strides.sequence + (size_t)(pair % heads) * strides.head;
}

// One tile: queries query ..< query + queries against keys key ..< key + keys.
typedef struct {
    int query, queries, key, keys;
} attention_tile;

// The tile at (query, key), with those keys alone that one of its queries sees.
static inline attention_tile attention_tile_at(int query, int key, int length) {
    int queries = smaller(LANES, length - query);
    attention_tile tile = {query, queries, key,
                           smaller(ATTENTION_KEYS, query + queries - key)};
    return tile;
}

// panel[i, :] = x[i, :] for up to LANES columns; 0 in the others, and in rows past the last
// up to a multiple of `group`.
INLINE void attention_pack(float *panel, const float *x, size_t row, int rows, int columns,
                           int group) {
    int i = 0;
    for (; columns >= LANES && i + 4 <= rows; i += 4) {
        UNROLL
        for (int l = 0; l < 4; l++, x += row) {
            floats_store(panel + (i + l) * LANES, floats_load(x));
        }
    }
    for (; i < rows; i++, x += row) {
        floats_store(panel + i * LANES, floats_load_some(x, columns));
    }
    for (; i % group != 0; i++) { floats_store(panel + i * LANES, (floats){0}); }
}

// LANES columns of a matrix, with a row stride: the matrix itself, or a copy padded with 0.
typedef struct {
    const float *at;
    size_t row;
} attention_columns;

INLINE attention_columns attention_pad(float *panel, const float *x, size_t row, int rows,
                                       int columns) {
    attention_columns whole = {x, row}, padded = {panel, LANES};
    if (columns >= LANES) { return whole; }
    attention_pack(panel, x, row, rows, columns, 1);
    return padded;
}

// x[i, :] = (add ? x[i, :] : 0) + panel[i, :] for up to LANES columns.
INLINE void attention_unpack(float *x, const float *panel, size_t row, int rows, int columns,
                             int add) {
    int whole = columns >= LANES;
    for (int i = 0; i < rows; i++, x += row) {
        floats sum = floats_load(panel + i * LANES);
        if (add) { sum += whole ? floats_load(x) : floats_load_some(x, columns); }
        if (whole) {
            floats_store(x, sum);
        } else {
            floats_store_some(x, sum, columns);
        }
    }
}

// panel[c, i] = factor[c] panel[i, c]
INLINE void attention_transpose(float *panel, floats factor) {
    floats square[LANES];
    UNROLL
    for (int i = 0; i < LANES; i++) { square[i] = floats_load(panel + i * LANES) * factor; }
    floats_transpose(square);
    UNROLL
    for (int c = 0; c < LANES; c++) { floats_store(panel + c * LANES, square[c]); }
}

// scores[j, i] (+)= sum over columns c of y[j, c] x[c, i], for ATTENTION_ROWS keys.
INLINE void attention_score_rows(float *scores, const float *x, const float *y, int add) {
    floats sum[ATTENTION_ROWS];
    UNROLL
    for (int j = 0; j < ATTENTION_ROWS; j++) {
        sum[j] = add ? floats_load(scores + j * LANES) : (floats){0};
    }
    for (int c = 0; c < LANES; c++) {
        floats x_c = floats_load(x + c * LANES);
        UNROLL
        for (int j = 0; j < ATTENTION_ROWS; j++) {
            sum[j] = floats_multiply_add(floats_all(y[j * LANES + c]), x_c, sum[j]);
        }
    }
    UNROLL
    for (int j = 0; j < ATTENTION_ROWS; j++) { floats_store(scores + j * LANES, sum[j]); }
}

// scores[j, i] = factor <x[i], y[j]> for the tile's keys j and queries i; x points at its
// first query, y at its first key.
INLINE void attention_scores(float *scores, const float *x, size_t x_row, const float *y,
                             size_t y_row, int depth, float factor, attention_tile tile) {
    _Alignas(64) float queries[LANES * LANES], keys[ATTENTION_KEYS * LANES];
    for (int c = 0; c < depth; c += LANES) {
        attention_pack(queries, x + c, x_row, tile.queries, depth - c, LANES);
        attention_transpose(queries, floats_all(factor));
        attention_pack(keys, y + c, y_row, tile.keys, depth - c, ATTENTION_ROWS);
        for (int j = 0; j < tile.keys; j += ATTENTION_ROWS) {
            attention_score_rows(scores + j * LANES, queries, keys + j * LANES, c > 0);
        }
    }
}

// sum[c, i] = sum over keys j of weights[j, i] x[j, c], for LANES columns c.
INLINE void attention_sum_keys(float *sum, const float *weights, attention_columns x,
                               int keys) {
    floats total[LANES];
    UNROLL
    for (int c = 0; c < LANES; c++) { total[c] = (floats){0}; }
    for (int j = 0; j < keys; j++, x.at += x.row) {
        floats weight = floats_load(weights + j * LANES);
        UNROLL
        for (int c = 0; c < LANES; c++) {
            floats x_c = floats_all(x.at[c]);
            total[c] = floats_multiply_add(x_c, weight, total[c]);
        }
    }
    UNROLL
    for (int c = 0; c < LANES; c++) { floats_store(sum + c * LANES, total[c]); }
}

// Which of the tile's queries do not come before its key j.
INLINE ints attention_sees(attention_tile tile, int j) {
    return ints_count() >= (ints){0} + (tile.key + j - tile.query);
}

// Numbers of the tile's weights for its first key, for dropout.
INLINE words attention_numbers(attention_tile tile, int pair, int context) {
    uint32_t first = (uint32_t)pair * (uint32_t)context + (uint32_t)tile.query;
    return ((words)ints_count() + first) * (uint32_t)context + (uint32_t)tile.key;
}

#endif
