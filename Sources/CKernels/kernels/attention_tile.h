// attention_tile.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_TILE_H
#define KERNEL_ATTENTION_TILE_H

#include "attention_sizes.h"

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

#if MODEL_TAKES_DOCUMENTS
// How many of a tile's keys lie before those that a query sees, at most: its last query's window
// and document begin last.
INLINE int attention_earlier(attention_tile tile, const attention_sizes *sizes) {
    int last = tile.query + tile.queries - 1, first = 0;
    if (sizes->window) { first = last - sizes->window + 1; }
    if (sizes->beginnings) { first = larger(first, sizes->beginnings[last]); }
    return larger(first - tile.key, 0);
}

// For each query, which of the tile's keys it is, less the first that the query sees: 0 or more
// in the sum with a key's number where it does.
INLINE ints attention_edge(attention_tile tile, const attention_sizes *sizes) {
    ints edge = ints_count() * 0 + tile.key;
    if (sizes->beginnings) {
        int32_t first[LANES];
        for (int i = 0; i < LANES; i++) {
            first[i] = sizes->beginnings[tile.query + smaller(i, tile.queries - 1)];
        }
        ints begins;
        memcpy(&begins, first, sizeof begins);
        edge -= begins;
    }
    if (sizes->window) {
        ints window = tile.key - tile.query + sizes->window - 1 - ints_count();
        ints is_later = window < edge;
        edge = (window & is_later) | (edge & ~is_later);
    }
    return edge;
}

#endif
// What a square hides: keys after a query, and keys before its window.
enum { ATTENTION_LATER = 1, ATTENTION_EARLIER = 2 };

// scores[j, i] (+)= sum over columns c of y[j, c] x[c, i] for LANES keys, of panels. Scores of
// keys that a query does not see, as `hide` says, become -infinity: of later ones, j > i, and
#if MODEL_TAKES_DOCUMENTS
// of earlier ones, j + edge < 0. Returns the largest score of each query, these and `largest`.
#else
// of earlier ones, j + edge <= i. Returns the largest score of each query, these and `largest`.
#endif
INLINE floats attention_score_square(float *scores, const float *x, const float *y, int add,
#if MODEL_TAKES_DOCUMENTS
                                     int hide, ints edge, floats largest,
#else
                                     int hide, int edge, floats largest,
#endif
                                     attention_company with) {
    floats sum[LANES], best[4] = {largest, largest, largest, largest};
    UNROLL
    for (int j = 0; j < LANES; j++) {
        sum[j] = add ? floats_load(scores + j * LANES) : (floats){0};
    }
    attention_multiply(sum, x, y, with);
    UNROLL
    for (int j = 0; j < LANES; j++) {
        if (hide & ATTENTION_LATER) {
            sum[j] = floats_select(ints_count() >= j, sum[j], floats_all(-INFINITY));
        }
        if (hide & ATTENTION_EARLIER) {
#if MODEL_TAKES_DOCUMENTS
            sum[j] = floats_select(edge + j >= 0, sum[j], floats_all(-INFINITY));
#else
            sum[j] = floats_select(ints_count() < j + edge, sum[j], floats_all(-INFINITY));
#endif
        }
        best[j % 4] = floats_max(sum[j], best[j % 4]);
        floats_store(scores + j * LANES, sum[j]);
    }
    return floats_max(floats_max(best[0], best[1]), floats_max(best[2], best[3]));
}

// score = cap tanh(score) for the tile's scores, which are divided by the cap already; those of
// keys that a query does not see become -infinity. slopes, if not NULL: 1 - tanh^2. Returns the
// largest score of each query, these and `largest`.
INLINE floats attention_cap(float *scores, float *slopes, floats largest, attention_tile tile,
                            const attention_sizes *sizes) {
    floats best = largest, cap = floats_all(sizes->cap * LOG2_E);
#if MODEL_TAKES_DOCUMENTS
    ints edge = attention_edge(tile, sizes);
#endif
    for (int j = 0; j < blocks_of(tile.keys, LANES) * LANES; j++, scores += LANES) {
        floats y = floats_tanh(floats_load(scores));
        int later = tile.key + j - tile.query;
        ints seen = ints_count() >= later;
#if MODEL_TAKES_DOCUMENTS
        seen &= edge + j >= 0;
#else
        if (sizes->window) { seen &= ints_count() < later + sizes->window; }
#endif
        if (slopes) { floats_store(slopes + j * LANES, 1.0f - y * y); }
        y = floats_select(seen, y * cap, floats_all(-INFINITY));
        best = floats_max(y, best);
        floats_store(scores, y);
    }
    return best;
}

// Numbers of the tile's weights for its first key, for dropout.
INLINE words attention_numbers(attention_tile tile, int pair, int context) {
    uint32_t first = (uint32_t)pair * (uint32_t)context + (uint32_t)tile.query;
    return ((words)ints_count() + first) * (uint32_t)context + (uint32_t)tile.key;
}

// scores[j, i] = scale log2(e) <q[i], k[j]> for the tile's keys j and queries i, capped if
// there is a cap; q points at its first query, k at its first key. The last square is filled up
// with 0. Keys that a query does not see are hidden: later ones lie in the last square of its
// tiles alone, earlier ones in the first two. bits[j], if not NULL: random bits of the weights
// of key j. slopes: what the cap makes of changes of scores; not written without one. Returns
// the largest score of each query, those of the tile and `largest`.
INLINE floats attention_scores(float *scores, float *slopes, words *bits, const float *q,
                               const float *k, floats largest, attention_tile tile, int pair,
                               const attention_sizes *sizes) {
    _Alignas(64) float queries[LANES * LANES], keys[ATTENTION_KEYS * LANES];
    int depth = attention_depth(sizes), seen = smaller(tile.keys, tile.query - tile.key);
#if MODEL_TAKES_DOCUMENTS
    int capped = sizes->cap > 0, earlier = capped ? 0 : attention_earlier(tile, sizes);
    ints edge = attention_edge(tile, sizes);
#else
    int capped = sizes->cap > 0, edge = tile.key - tile.query + sizes->window;
    int earlier = sizes->window && !capped ? LANES - edge : 0;  // rows that may be hidden
#endif
    float factor = capped ? sizes->scale / sizes->cap : sizes->scale * LOG2_E;
    words number = attention_numbers(tile, pair, sizes->context);
    floats best = largest;
    for (int c = 0; c < depth; c += LANES) {
        int j = 0, left = depth - c, last = left <= LANES, hide = last && !capped;
        attention_turn(queries,
                       attention_pad(queries, q + c, sizes->inputs.row, tile.queries, left,
                                     sizes->whole),
                       factor);
        attention_pack(keys, k + c, sizes->keys.row, tile.keys, left, 1.0f);
        best = largest;  // of whole sums, which the last columns complete
        attention_company with = {last ? bits : NULL, number, sizes->key, NULL, {0}};
        for (; j < smaller(seen, earlier); j += LANES) {
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, last ? ATTENTION_EARLIER : 0, edge + j, best,
                                          attention_company_at(with, j));
        }
        for (; j < seen; j += LANES) {
#if MODEL_TAKES_DOCUMENTS
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, 0, edge, best, attention_company_at(with, j));
#else
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, 0, 0, best, attention_company_at(with, j));
#endif
        }
        if (j < tile.keys) {
#if MODEL_TAKES_DOCUMENTS
            int both = j < earlier ? ATTENTION_EARLIER : 0;
#else
            int both = sizes->window && j < earlier ? ATTENTION_EARLIER : 0;
#endif
            best = attention_score_square(scores + j * LANES, queries, keys + j * LANES,
                                          c > 0, hide ? ATTENTION_LATER | both : 0, edge + j,
                                          best, attention_company_at(with, j));
        }
    }
    return capped ? attention_cap(scores, slopes, largest, tile, sizes) : best;
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
