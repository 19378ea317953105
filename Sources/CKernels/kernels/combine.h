// combine.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_COMBINE_H
#define KERNEL_COMBINE_H

#include "finish.h"
#include "rows.h"
#include "threads.h"

// Adds up the outputs of each token's experts, in the order of choices (ascending experts).
//
//   y[t, :] = sum over j with slot[t, j] >= 0 of weights[t, j] x[slot[t, j], :]
//
//   x [tokens * k, width]    weights, slot [tokens, k]    ->    y [tokens, width]
KERNEL void combine(float *restrict y, const float *restrict x, const float *restrict weights,
                    const int32_t *restrict slot, int tokens, int k, int width) {
    #pragma omp parallel if ((size_t)tokens * k * width > 4096)
    FOR_OWN(t, tokens) {
        size_t pair = (size_t)t * k;
        row_sum_all_chosen(y + (size_t)t * width, NULL, x, weights + pair, slot + pair, k,
                           width);
    }
}

// y = residual + combine: the end of a residual branch, in one pass. residual may be y.
KERNEL void combine_add(float *y, const float *residual, const float *restrict x,
                        const float *restrict weights, const int32_t *restrict slot,
                        int tokens, int k, int width) {
    #pragma omp parallel if ((size_t)tokens * k * width > 4096)
    FOR_OWN(t, tokens) {
        size_t pair = (size_t)t * k, at = (size_t)t * width;
        row_sum_all_chosen(y + at, residual + at, x, weights + pair, slot + pair, k, width);
    }
}

// d_x = weight d_y; returns <x, d_y>.
INLINE float combine_row_gradient(float *restrict d_x, const float *restrict d_y,
                                  const float *restrict x, float weight, int width) {
    floats sum = {0};
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
        floats d = floats_load(d_y + i);
        sum = floats_multiply_add(floats_load(x + i), d, sum);
        floats_store(d_x + i, d * weight);
    }
    if (i < width) {
        floats d = floats_load_some(d_y + i, width - i);
        sum = floats_multiply_add(floats_load_some(x + i, width - i), d, sum);
        floats_store_some(d_x + i, d * weight, width - i);
    }
    return floats_sum(sum);
}

// Gradients of combine, then `finish` (may be NULL) of d_x. Every kept row belongs to one pair,
// so that d_x is written whole up to the last kept row.
//
//   d_x[slot[t, j], :] = weights[t, j] d_y[t, :]
//   d_weights[t, j] = <x[slot[t, j], :], d_y[t, :]>, 0 where dropped
KERNEL void combine_gradient_finished(
    float *restrict d_x, float *restrict d_weights, const float *restrict d_y,
    const float *restrict x, const float *restrict weights, const int32_t *restrict slot,
    int tokens, int k, int width, finish_block finish, const finish_operands *operands) {
    #pragma omp parallel if ((size_t)tokens * k * width > 4096)
    FOR_OWN(t, tokens) {
        const float *d_y_t = d_y + (size_t)t * width;
        row_fetch_ahead(x, slot + (size_t)t * k, tokens - t, k, width, 0);
        row_fetch_ahead(d_x, slot + (size_t)t * k, tokens - t, k, width, 1);
        for (int j = 0; j < k; j++) {
            size_t pair = (size_t)t * k + j;
            d_weights[pair] = 0;
            if (slot[pair] < 0) { continue; }
            size_t at = (size_t)slot[pair] * width;
            d_weights[pair] =
                combine_row_gradient(d_x + at, d_y_t, x + at, weights[pair], width);
            if (finish) { finish(operands, d_x + at, slot[pair], 1, 0, width); }
        }
    }
}

// Gradients of combine alone.
KERNEL void combine_gradient(float *restrict d_x, float *restrict d_weights,
                             const float *restrict d_y, const float *restrict x,
                             const float *restrict weights, const int32_t *restrict slot,
                             int tokens, int k, int width) {
    combine_gradient_finished(d_x, d_weights, d_y, x, weights, slot, tokens, k, width, NULL,
                              NULL);
}

#endif
