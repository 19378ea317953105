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
    int whole;           // all tiles are: depth is LANES, and length a multiple of it
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
        .whole = depth == LANES && length % LANES == 0,
        .context = context,
        .threshold = rate > 0 ? dropout_threshold(rate) : 0,
        .keep = dropout_scale(rate),
        .key = key,
    };
    return sizes;
}

// The depth, which is a constant where tiles are known to be whole.
INLINE int attention_depth(const attention_sizes *sizes) {
    return sizes->whole ? LANES : sizes->depth;
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
INLINE attention_tile attention_tile_at(int query, int key, const attention_sizes *sizes) {
    int queries = sizes->whole ? LANES : smaller(LANES, sizes->length - query);
    attention_tile tile = {query, queries, key,
                           smaller(ATTENTION_KEYS, query + queries - key)};
    return tile;
}

// panel[i, :] = factor x[i, :] for up to LANES columns; 0 in the others, and in rows past the
// last up to a multiple of LANES. The loops that read a panel know where its rows lie, which
// spares them a pointer for each.
INLINE void attention_pack(float *panel, const float *x, size_t row, int rows, int columns,
                           float factor) {
    int i = 0, whole = columns >= LANES;
    for (; i < rows; i++, x += row) {
        floats x_i = whole ? floats_load(x) : floats_load_some(x, columns);
        floats_store(panel + i * LANES, x_i * factor);
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
                                       int columns, int whole) {
    attention_columns there = {x, row}, padded = {panel, LANES};
    if (whole || (rows % LANES == 0 && columns >= LANES)) { return there; }
    attention_pack(panel, x, row, rows, columns, 1.0f);
    return padded;
}

// x[i, :] = (add ? x[i, :] : 0) + sum[i] for up to LANES rows and columns.
INLINE void attention_store(float *x, const floats *sum, size_t row, int rows, int columns,
                            int add, int whole) {
    _Alignas(64) float panel[LANES * LANES];
    if (whole || (rows == LANES && columns >= LANES)) {
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

// Work that keeps products company, a row of weights with each of their columns: products
// fill the machine's multipliers and leave most of its other parts idle.
typedef struct {
    words *bits;    // or NULL: random bits of the weights of `number`, for dropout
    words number;
    uint64_t key;
    float *powers;  // or NULL: becomes 2^(power - shift)
    floats shift;
} attention_company;

// The company from row j on.
INLINE attention_company attention_company_at(attention_company with, int j) {
    with.bits = with.bits ? with.bits + j : NULL;
    with.number += (uint32_t)j;
    with.powers = with.powers ? with.powers + j * LANES : NULL;
    return with;
}

// sum[j] += sum over columns c of y[j, c] x[c, :], of panels, in company.
INLINE void attention_multiply(floats *sum, const float *x, const float *y,
                               attention_company with) {
    for (int c = 0; c < LANES; c++) {
        floats x_c = floats_load(x + c * LANES);
        UNROLL
        for (int j = 0; j < LANES; j++) {
            sum[j] = floats_multiply_add(floats_all(y[j * LANES + c]), x_c, sum[j]);
        }
        if (with.bits) {
            with.bits[c] = random_lanes(with.key, with.number);
            with.number += 1;
        }
        if (with.powers) {
            float *power = with.powers + c * LANES;
            floats_store(power, floats_exp2(floats_load(power) - with.shift));
        }
    }
}

// scores[j, i] (+)= sum over columns c of y[j, c] x[c, i] for LANES keys, of panels. With
// `hide` a query does not see later keys: their scores become -infinity. Returns the largest
// score of each query, these and `largest`.
INLINE floats attention_score_square(float *scores, const float *x, const float *y, int add,
                                     int hide, floats largest, attention_company with) {
    floats sum[LANES], best[4] = {largest, largest, largest, largest};
    UNROLL
    for (int j = 0; j < LANES; j++) {
        sum[j] = add ? floats_load(scores + j * LANES) : (floats){0};
    }
    attention_multiply(sum, x, y, with);
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

// Numbers of the tile's weights for its first key, for dropout.
INLINE words attention_numbers(attention_tile tile, int pair, int context) {
    uint32_t first = (uint32_t)pair * (uint32_t)context + (uint32_t)tile.query;
    return ((words)ints_count() + first) * (uint32_t)context + (uint32_t)tile.key;
}

// scores[j, i] = scale log2(e) <q[i], k[j]> for the tile's keys j and queries i; q points at
// its first query, k at its first key. The last square is filled up with 0. Keys that a query
// does not see are hidden: they lie in the last square of its tiles alone. bits[j], if not
// NULL: random bits of the weights of key j. Returns the largest score of each query, those
// of the tile and `largest`.
INLINE floats attention_scores(float *scores, words *bits, const float *q, const float *k,
                               floats largest, attention_tile tile, int pair,
                               const attention_sizes *sizes) {
    _Alignas(64) float queries[LANES * LANES], keys[ATTENTION_KEYS * LANES];
    size_t row = sizes->inputs.row;
    int depth = attention_depth(sizes), seen = smaller(tile.keys, tile.query - tile.key);
    words number = attention_numbers(tile, pair, sizes->context);
    floats best = largest;
    for (int c = 0; c < depth; c += LANES) {
        int j = 0, left = depth - c, last = left <= LANES;
        attention_turn(queries,
                       attention_pad(queries, q + c, row, tile.queries, left, sizes->whole),
                       sizes->scale * LOG2_E);
        attention_pack(keys, k + c, row, tile.keys, left, 1.0f);
        best = largest;  // of whole sums, which the last columns complete
        attention_company with = {last ? bits : NULL, number, sizes->key, NULL, {0}};
        for (; j < seen; j += LANES) {
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, 0, best, attention_company_at(with, j));
        }
        if (j < tile.keys) {
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, last, best, attention_company_at(with, j));
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

#endif
