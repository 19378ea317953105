// causal_mask.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_CAUSAL_MASK_H
#define KERNEL_CAUSAL_MASK_H

#include "threads.h"

// Fills the part of square matrices above the diagonal; y may be x.
//
//   y[m, query, key] = key > query ? fill : x[m, query, key]
//
//   x [matrices, length, length]    ->    y [matrices, length, length]
KERNEL void causal_mask(float *y, const float *x, int matrices, int length, float fill) {
    int rows = matrices * length;
    #pragma omp parallel if ((size_t)rows * length > 4096)
    FOR_OWN(r, rows) {
        float *y_r = y + (size_t)r * length;
        int seen = r % length + 1;
        if (y != x) { memcpy(y_r, x + (size_t)r * length, (size_t)seen * sizeof *y); }
        for (int key = seen; key < length; key++) { y_r[key] = fill; }
    }
}

#endif
