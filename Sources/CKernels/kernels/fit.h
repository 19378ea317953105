// fit.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_FIT_H
#define KERNEL_FIT_H

#include "base.h"

// y [to...] is the beginning of x [from...] along each of `axes` axes, and 0 where x has nothing.
// In a pass with fewer tokens than the context, of what is there for all positions, that of its own.
KERNEL void fit(float *y, const float *x, int axes, const int *to, const int *from) {
    const int last = axes - 1, copied = smaller(to[last], from[last]);
    int rows = 1;
    for (int i = 0; i < last; i++) { rows *= to[i]; }
    for (int r = 0; r < rows; r++) {
        // The row's place in x, from its numbers along y's axes, the last one first.
        size_t row = 0, stride = 1;
        int isThere = 1;
        for (int i = last - 1, rest = r; i >= 0; i--) {
            isThere &= rest % to[i] < from[i];
            row += (size_t)(rest % to[i]) * stride;
            stride *= (size_t)from[i];
            rest /= to[i];
        }
        const float *x_r = x + row * from[last];
        float *y_r = y + (size_t)r * to[last];
        for (int c = 0; c < to[last]; c++) { y_r[c] = isThere && c < copied ? x_r[c] : 0; }
    }
}

#endif
