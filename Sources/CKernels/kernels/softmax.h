// softmax.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_SOFTMAX_H
#define KERNEL_SOFTMAX_H

#include "base.h"

// Softmax of every row; elements of -infinity become 0.
//
//   y[r, i] = exp(x[r, i]) / sum over j of exp(x[r, j])
//
//   x [rows, width]    ->    y [rows, width]
EXTERN void softmax(float *restrict y, const float *restrict x, int rows, int width);

// Gradient of softmax, from its output y.
//
//   d_x[r, :] = y[r, :] (d_y[r, :] - <d_y[r, :], y[r, :]>)
EXTERN void softmax_gradient(float *restrict d_x, const float *restrict d_y,
                             const float *restrict y, int rows, int width);

#endif
