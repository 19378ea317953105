// dispatch.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_DISPATCH_H
#define KERNEL_DISPATCH_H

#include "threads.h"
#include "rows.h"

// Gathers the tokens of every expert, in the order that route gave.
//
//   y[r, :] = x[source[r], :]    for r < start[experts]; later rows are left as they are
//
//   x [tokens, width]    source [tokens * k]    ->    y [tokens * k, width], sorted by expert
KERNEL void dispatch(float *restrict y, const float *restrict x,
                     const int32_t *restrict source, const int32_t *restrict start,
                     int experts, int width) {
    int rows = start[experts];
    #pragma omp parallel if ((size_t)rows * width > 32768)
    FOR_OWN(r, rows) {
        const float *from = x + (size_t)source[r] * width;
        memcpy(y + (size_t)r * width, from, (size_t)width * sizeof *y);
    }
}

// Gradient of dispatch: every token adds up the gradients of its copies, in the order of
// choices.
//
//   d_x[t, :] = sum over j with slot[t, j] >= 0 of d_y[slot[t, j], :]
KERNEL void dispatch_gradient(float *restrict d_x, const float *restrict d_y,
                              const int32_t *restrict slot, int tokens, int k, int width) {
    #pragma omp parallel if ((size_t)tokens * k * width > 4096)
    FOR_OWN(t, tokens) {
        row_fetch_ahead(d_y, slot + (size_t)t * k, tokens - t, k, width, 0);
        row_sum_all_chosen(d_x + (size_t)t * width, NULL, d_y, NULL, slot + (size_t)t * k, k,
                           width);
    }
}

#endif
