// sum.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_SUM_H
#define KERNEL_SUM_H

#include "threads.h"
#include "rows.h"

// y[c] = sum over r of x[r, c], rows in order; blocks of 16 columns are shared out. Of one column,
// which is a sum over all there is, several sums run side by side.
//
//   x [rows, width]    ->    y [width]
KERNEL void sum_leading(float *restrict y, const float *restrict x, int rows, int width) {
    if (width == 1) {
        *y = row_sum(x, rows);
        return;
    }
    #pragma omp parallel if ((size_t)rows * width > 16384)
    FOR_OWN(block, blocks_of(width, 16)) {
        int c = block * 16;
        int columns = width - c < 16 ? width - c : 16;
        if (columns == 16) {
            row_lanes sum = {0};
            for (int r = 0; r < rows; r++) {
                sum += *row_at_const(x + (size_t)r * width + c);
            }
            *row_at(y + c) = sum;
            continue;
        }
        for (; c < width; c += LANES) {
            floats sum = {0};
            for (int r = 0; r < rows; r++) {
                sum += floats_load_some(x + (size_t)r * width + c, width - c);
            }
            floats_store_some(y + c, sum, width - c);
        }
    }
}

// y[r] = sum over c of x[r, c]
//
//   x [rows, width]    ->    y [rows]
KERNEL void sum_trailing(float *restrict y, const float *restrict x, int rows, int width) {
    #pragma omp parallel if ((size_t)rows * width > 16384)
    FOR_OWN(r, rows) { y[r] = row_sum(x + (size_t)r * width, width); }
}

// y[b, c] = sum over r of x[b, r, c], rows in order
//
//   x [blocks, rows, width]    ->    y [blocks, width]
KERNEL void sum_between(float *restrict y, const float *restrict x, int blocks, int rows,
                        int width) {
    #pragma omp parallel if ((size_t)blocks * rows * width > 16384)
    FOR_OWN(b, blocks) {
        float *y_b = y + (size_t)b * width;
        const float *x_b = x + (size_t)b * rows * width;
        memset(y_b, 0, (size_t)width * sizeof *y_b);
        for (int r = 0; r < rows; r++) {
            for (int c = 0; c < width; c++) { y_b[c] += x_b[(size_t)r * width + c]; }
        }
    }
}

#endif
