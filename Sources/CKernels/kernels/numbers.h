// numbers.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_NUMBERS_H
#define KERNEL_NUMBERS_H

#include "base.h"

// Whole numbers as floats, each as often as a row is wide; exact up to 2^24.
//
//   y[r, :] = ids[r]    ids [rows]    ->    y [rows, width]
KERNEL void numbers_from_ids(float *restrict y, const int32_t *restrict ids, int rows, int width) {
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < width; c++) { y[(size_t)r * width + c] = (float)ids[r]; }
    }
}

// The numbers of an axis's places, from 0 on.
//
//   y[i] = i    y [count]
KERNEL void numbers_from_zero(float *restrict y, int count) {
    for (int i = 0; i < count; i++) { y[i] = (float)i; }
}

#endif
