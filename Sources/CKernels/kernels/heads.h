// heads.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_HEADS_H
#define KERNEL_HEADS_H

#include "threads.h"

// y[s, h, t, :] = x[s, t, h depth ..< (h + 1) depth]
//
//   x [sequences, length, heads * depth]    y [sequences, heads, length, depth]
KERNEL void split_heads(float *restrict y, const float *restrict x, int sequences, int heads,
                        int length, int depth) {
    size_t width = (size_t)heads * depth;
    #pragma omp parallel
    FOR_OWN(n, sequences * heads) {
        const float *x_n = x + (size_t)(n / heads) * length * width + (size_t)(n % heads) * depth;
        float *y_n = y + (size_t)n * length * depth;
        for (int t = 0; t < length; t++) {
            memcpy(y_n + (size_t)t * depth, x_n + t * width, (size_t)depth * sizeof *y);
        }
    }
}

// y[s, t, h depth ..< (h + 1) depth] = x[s, h, t, :], the inverse of split_heads.
KERNEL void merge_heads(float *restrict y, const float *restrict x, int sequences, int heads,
                        int length, int depth) {
    size_t width = (size_t)heads * depth;
    #pragma omp parallel
    FOR_OWN(n, sequences * heads) {
        const float *x_n = x + (size_t)n * length * depth;
        float *y_n = y + (size_t)(n / heads) * length * width + (size_t)(n % heads) * depth;
        for (int t = 0; t < length; t++) {
            memcpy(y_n + t * width, x_n + (size_t)t * depth, (size_t)depth * sizeof *y);
        }
    }
}

#endif
