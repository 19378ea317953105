// columns.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_COLUMNS_H
#define KERNEL_COLUMNS_H

#include "threads.h"

// y[r, c] = x[r, start + c]: some neighbouring columns.
//
//   x [rows, width]    ->    y [rows, columns]
KERNEL void slice_columns(float *restrict y, const float *restrict x, int rows, int width,
                          int start, int columns) {
    #pragma omp parallel if ((size_t)rows * columns > 16384)
    FOR_OWN(r, rows) {
        memcpy(y + (size_t)r * columns, x + (size_t)r * width + start,
               (size_t)columns * sizeof *y);
    }
}

// y[r, start + c] = x[r, c]: columns among others, which stay as they are.
//
//   x [rows, columns]    ->    y [rows, width]
KERNEL void place_columns(float *restrict y, const float *restrict x, int rows, int width,
                          int start, int columns) {
    #pragma omp parallel if ((size_t)rows * columns > 16384)
    FOR_OWN(r, rows) {
        memcpy(y + (size_t)r * width + start, x + (size_t)r * columns,
               (size_t)columns * sizeof *y);
    }
}

#endif
