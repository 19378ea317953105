// gather.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_GATHER_H
#define KERNEL_GATHER_H

#include "base.h"

// y[r, j] = x[r, indices[r, j]]
//
//   x [rows, experts], indices [rows, k]    ->    y [rows, k]
KERNEL void gather(float *restrict y, const float *restrict x, const int32_t *restrict indices,
                   int rows, int experts, int k) {
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < k; j++) {
            size_t at = (size_t)r * k + j;
            y[at] = x[(size_t)r * experts + indices[at]];
        }
    }
}

// y[r, indices[r, j]] = x[r, j], 0 elsewhere; the indices of a row are all different.
//
//   x, indices [rows, k]    ->    y [rows, experts]
KERNEL void scatter(float *restrict y, const float *restrict x, const int32_t *restrict indices,
                    int rows, int experts, int k) {
    memset(y, 0, (size_t)rows * experts * sizeof *y);
    for (int r = 0; r < rows; r++) {
        for (int j = 0; j < k; j++) {
            size_t at = (size_t)r * k + j;
            y[(size_t)r * experts + indices[at]] = x[at];
        }
    }
}

#endif
