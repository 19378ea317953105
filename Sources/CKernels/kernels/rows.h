// rows.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ROWS_H
#define KERNEL_ROWS_H

#include "base.h"
#include "vector_math.h"

// Reductions over a row of `width` floats. Element i goes to partial result i % LANES; these
// are then folded in halves. The order depends on the width and the machine's vectors alone.

typedef float row_lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t row_mask __attribute__((vector_size(64), aligned(4), may_alias));

static inline row_lanes *row_at(float *x) { return (row_lanes *)x; }
static inline const row_lanes *row_at_const(const float *x) { return (const row_lanes *)x; }

// sum of x[i]
INLINE float row_sum(const float *x, int width) {
    floats sum = {0};
    int i = 0;
    for (; i + LANES <= width; i += LANES) { sum += floats_load(x + i); }
    if (i < width) { sum += floats_load_some(x + i, width - i); }
    return floats_sum(sum);
}

// sum of x[i] y[i]
INLINE float row_dot(const float *x, const float *y, int width) {
    floats sum = {0};
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
        sum = floats_multiply_add(floats_load(x + i), floats_load(y + i), sum);
    }
    if (i < width) {
        floats rest = floats_load_some(x + i, width - i);
        sum = floats_multiply_add(rest, floats_load_some(y + i, width - i), sum);
    }
    return floats_sum(sum);
}

// sum of (x[i] - mean)^2
INLINE float row_squared_deviation(const float *x, float mean, int width) {
    floats sum = {0};
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
        floats deviation = floats_load(x + i) - mean;
        sum = floats_multiply_add(deviation, deviation, sum);
    }
    if (i < width) {
        ints inside = ints_count() < (ints){0} + (width - i);
        floats deviation = floats_load_some(x + i, width - i) - mean;
        deviation = floats_select(inside, deviation, (floats){0});
        sum = floats_multiply_add(deviation, deviation, sum);
    }
    return floats_sum(sum);
}

// The largest x[i]; NaN is passed over, so that it shows up in what is computed from x, not
// here.
INLINE float row_max(const float *x, int width) {
    floats best = floats_all(-INFINITY);
    int i = 0;
    for (; i + LANES <= width; i += LANES) { best = floats_max(floats_load(x + i), best); }
    if (i < width) {
        ints inside = ints_count() < (ints){0} + (width - i);
        floats rest = floats_load_some(x + i, width - i);
        best = floats_max(floats_select(inside, rest, floats_all(-INFINITY)), best);
    }
    return floats_largest(best);
}

// y[i] = factor exp(x[i] - shift), of which it returns the sum; y NULL: only the sum.
INLINE float row_exp(float *y, const float *x, float shift, float factor, int width) {
    floats sum = {0};
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
        floats power = floats_exp(floats_load(x + i) - shift) * factor;
        sum += power;
        if (y) { floats_store(y + i, power); }
    }
    if (i < width) {
        ints inside = ints_count() < (ints){0} + (width - i);
        floats power = floats_exp(floats_load_some(x + i, width - i) - shift) * factor;
        sum += floats_select(inside, power, (floats){0});
        if (y) { floats_store_some(y + i, power, width - i); }
    }
    return floats_sum(sum);
}

// x[i] *= factor
static inline void row_scale(float *x, float factor, int width) {
    for (int i = 0; i < width; i += LANES) {
        floats_store_some(x + i, floats_load_some(x + i, width - i) * factor, width - i);
    }
}

// Rows chosen by an index are asked for this many tokens ahead: they may lie in memory, or in
// the cache of another core.
#define ROWS_AHEAD 4

// Asks for the rows of x that the token ROWS_AHEAD after this one chose, to be read, or to be
// written. slot: the k choices of this token, of which `tokens` are left.
INLINE void row_fetch_ahead(const float *x, const int32_t *slot, int tokens, int k, int width,
                            int write) {
    if (tokens <= ROWS_AHEAD) { return; }
    for (int j = 0; j < k; j++) {
        const float *x_j = x + (size_t)larger(slot[ROWS_AHEAD * k + j], 0) * width;
        for (int c = 0; c < width; c += 16) {
            if (write) {
                __builtin_prefetch(x_j + c, 1);
            } else {
                __builtin_prefetch(x_j + c, 0);
            }
        }
    }
}

// Columns that are worked on together where rows are added up.
#define ROW_BLOCK (4 * LANES)

// For up to ROW_BLOCK columns, where all pointers are at the first of them:
//
//   y = residual + sum over j < k with slot[j] >= 0 of weights[j] x[slot[j], :]
//
// residual NULL: 0; weights NULL: 1. residual may be y.
INLINE void row_sum_chosen(float *y, const float *residual, const float *x,
                           const float *weights, const int32_t *slot, int k, int width,
                           int columns) {
    floats sum[4];
    UNROLL
    for (int v = 0; v < 4; v++) {
        int at = v * LANES;
        sum[v] = residual ? floats_load_some(residual + at, columns - at) : (floats){0};
    }
    for (int j = 0; j < k; j++) {
        if (slot[j] < 0) { continue; }
        const float *x_j = x + (size_t)slot[j] * width;
        floats weight = floats_all(weights ? weights[j] : 1.0f);
        UNROLL
        for (int v = 0; v < 4; v++) {
            floats part = floats_load_some(x_j + v * LANES, columns - v * LANES);
            sum[v] = floats_multiply_add(weight, part, sum[v]);
        }
    }
    UNROLL
    for (int v = 0; v < 4; v++) {
        floats_store_some(y + v * LANES, sum[v], columns - v * LANES);
    }
}

// The same for a whole row.
INLINE void row_sum_all_chosen(float *y, const float *residual, const float *x,
                               const float *weights, const int32_t *slot, int k, int width) {
    int c = 0;
    for (; c + ROW_BLOCK <= width; c += ROW_BLOCK) {
        row_sum_chosen(y + c, residual ? residual + c : NULL, x + c, weights, slot, k, width,
                       ROW_BLOCK);
    }
    if (c < width) {
        row_sum_chosen(y + c, residual ? residual + c : NULL, x + c, weights, slot, k, width,
                       width - c);
    }
}

#endif
