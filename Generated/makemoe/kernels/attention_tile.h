// attention_tile.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_TILE_H
#define KERNEL_ATTENTION_TILE_H

#include "base.h"
#include "random.h"
#include "vector_math.h"

// Attention works on tiles: LANES queries, one in each lane, by up to 64 keys of one
// (sequence, head). With a query in each lane, the softmax over keys needs no sums across
// lanes, and keys and values are read as they lie. A tile is held in a small array on the
// stack, tile[j * LANES + i] for key j and query i, so that the memory needed does not grow
// with the square of the length. All products go by squares of LANES queries by LANES keys by
// LANES columns, whose LANES sums stay in registers.

#define ATTENTION_KEYS 64

// Row i of (sequence s, head h) begins at s sequence + h head + i row.
typedef struct {
    size_t sequence, head, row;
} attention_strides;

// Sizes shared by all tiles of a call.
typedef struct {
    int sequences, heads, length, depth;
    int first;           // the first query that is asked for, a multiple of LANES
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
// up to a multiple of LANES. The loops that read a panel know where its rows lie, which
// spares them a pointer for each.
INLINE void attention_pack(float *panel, const float *x, size_t row, int rows, int columns) {
    int i = 0, whole = columns >= LANES;
    for (; i < rows; i++, x += row) {
        floats x_i = whole ? floats_load(x) : floats_load_some(x, columns);
        floats_store(panel + i * LANES, x_i);
    }
    for (; i % LANES != 0; i++) { floats_store(panel + i * LANES, (floats){0}); }
}

// LANES columns of a matrix, with a row stride: the matrix itself, or a copy filled up with 0
// to whole squares.
typedef struct {
    const float *at;
    size_t row;
} attention_columns;

INLINE attention_columns attention_pad(float *panel, const float *x, size_t row, int rows,
                                       int columns) {
    attention_columns whole = {x, row}, padded = {panel, LANES};
    if (rows % LANES == 0 && columns >= LANES) { return whole; }
    attention_pack(panel, x, row, rows, columns);
    return padded;
}

// x[i, :] = (add ? x[i, :] : 0) + sum[i] for up to LANES rows and columns.
INLINE void attention_store(float *x, const floats *sum, size_t row, int rows, int columns,
                            int add) {
    _Alignas(64) float panel[LANES * LANES];
    if (rows == LANES && columns >= LANES) {
        UNROLL
        for (int i = 0; i < LANES; i++, x += row) {
            floats_store(x, add ? floats_load(x) + sum[i] : sum[i]);
        }
        return;
    }
    UNROLL
    for (int i = 0; i < LANES; i++) { floats_store(panel + i * LANES, sum[i]); }
    for (int i = 0; i < rows; i++, x += row) {
        floats all = floats_load(panel + i * LANES);
        floats_store_some(x, add ? floats_load_some(x, columns) + all : all, columns);
    }
}

// panel[c, i] = factor x[i, c] for LANES rows and columns.
INLINE void attention_turn(float *panel, attention_columns x, float factor) {
    floats square[LANES];
    UNROLL
    for (int i = 0; i < LANES; i++, x.at += x.row) { square[i] = floats_load(x.at); }
    floats_transpose(square);
    UNROLL
    for (int c = 0; c < LANES; c++) { floats_store(panel + c * LANES, square[c] * factor); }
}

// scores[j, i] (+)= sum over columns c of y[j, c] x[c, i] for LANES keys, of panels. With
// `hide` a query does not see later keys: their scores become -infinity. Returns the largest
// score of each query, these and `largest`.
INLINE floats attention_score_square(float *scores, const float *x, const float *y, int add,
                                     int hide, floats largest) {
    floats sum[LANES], best[4] = {largest, largest, largest, largest};
    UNROLL
    for (int j = 0; j < LANES; j++) {
        sum[j] = add ? floats_load(scores + j * LANES) : (floats){0};
    }
    for (int c = 0; c < LANES; c++) {
        floats x_c = floats_load(x + c * LANES);
        UNROLL
        for (int j = 0; j < LANES; j++) {
            sum[j] = floats_multiply_add(floats_all(y[j * LANES + c]), x_c, sum[j]);
        }
    }
    UNROLL
    for (int j = 0; j < LANES; j++) {
        if (hide) {
            sum[j] = floats_select(ints_count() >= j, sum[j], floats_all(-INFINITY));
        }
        best[j % 4] = floats_max(sum[j], best[j % 4]);
        floats_store(scores + j * LANES, sum[j]);
    }
    return floats_max(floats_max(best[0], best[1]), floats_max(best[2], best[3]));
}

// scores[j, i] = factor <x[i], y[j]> for the tile's keys j and queries i; x points at its
// first query, y at its first key. The last square is filled up with 0. If `causal`, the keys
// that a query does not see are hidden: they lie in the last square of its tiles alone.
// Returns the largest score of each query, those of the tile and `largest`.
OUTLINE floats attention_scores(float *scores, const float *x, size_t x_row, const float *y,
                                size_t y_row, int depth, float factor, attention_tile tile,
                                int causal, floats largest) {
    _Alignas(64) float queries[LANES * LANES], keys[ATTENTION_KEYS * LANES];
    int seen = causal ? smaller(tile.keys, tile.query - tile.key) : tile.keys;
    floats best = largest;
    for (int c = 0; c < depth; c += LANES) {
        int j = 0, last = c + LANES >= depth;
        attention_turn(queries, attention_pad(queries, x + c, x_row, tile.queries, depth - c),
                       factor);
        attention_pack(keys, y + c, y_row, tile.keys, depth - c);
        best = largest;  // of whole sums, which the last columns complete
        for (; j < seen; j += LANES) {
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, 0, best);
        }
        if (j < tile.keys) {
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, last, best);
        }
    }
    return best;
}

// Sums over one side of a square of weights (a[m, n] of query and key, either way round):
//
//   sum[m] += sum over n of a[m, n] x[n]
//
// On the diagonal, one query for each key, only half of the weights count: those of n <= m
// (`side` < 0) or of n >= m (`side` > 0); side 0: all.
INLINE void attention_add(floats *sum, const float *a, size_t a_m, size_t a_n,
                          attention_columns x, int side) {
    if (side == 0) {
        for (int n = 0; n < LANES; n++, x.at += x.row, a += a_n) {
            floats x_n = floats_load(x.at);
            UNROLL
            for (int m = 0; m < LANES; m++) {
                sum[m] = floats_multiply_add(floats_all(a[m * a_m]), x_n, sum[m]);
            }
        }
        return;
    }
    UNROLL
    for (int n = 0; n < LANES; n++, x.at += x.row, a += a_n) {
        floats x_n = floats_load(x.at);
        UNROLL
        for (int m = 0; m < LANES; m++) {
            if (side < 0 ? m < n : m > n) { continue; }
            sum[m] = floats_multiply_add(floats_all(a[m * a_m]), x_n, sum[m]);
        }
    }
}

// sum[i] = sum over the tile's keys j of a[j, i] x[j], for LANES columns of x.
INLINE void attention_sum_keys(floats *sum, const float *a, attention_columns x,
                               attention_tile tile) {
    UNROLL
    for (int i = 0; i < LANES; i++) { sum[i] = (floats){0}; }
    int j = 0, diagonal = smaller(tile.keys, tile.query - tile.key);
    for (; j < diagonal; j += LANES, x.at += LANES * x.row) {
        attention_add(sum, a + j * LANES, 1, LANES, x, 0);
    }
    if (j < tile.keys) { attention_add(sum, a + j * LANES, 1, LANES, x, -1); }
}

// Numbers of the tile's weights for its first key, for dropout.
INLINE words attention_numbers(attention_tile tile, int pair, int context) {
    uint32_t first = (uint32_t)pair * (uint32_t)context + (uint32_t)tile.query;
    return ((words)ints_count() + first) * (uint32_t)context + (uint32_t)tile.key;
}

#endif
