// transpose.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_TRANSPOSE_H
#define KERNEL_TRANSPOSE_H

#include "threads.h"

// y[n, j, i] = x[n, i, j]    x [matrices, rows, columns]    y [matrices, columns, rows]
KERNEL void transpose(float *restrict y, const float *restrict x, int matrices, int rows,
                      int columns) {
    #pragma omp parallel
    FOR_OWN(n, matrices) {
        const float *x_n = x + (size_t)n * rows * columns;
        float *y_n = y + (size_t)n * rows * columns;
        for (int j = 0; j < columns; j++) {
            for (int i = 0; i < rows; i++) {
                y_n[(size_t)j * rows + i] = x_n[(size_t)i * columns + j];
            }
        }
    }
}

#endif
