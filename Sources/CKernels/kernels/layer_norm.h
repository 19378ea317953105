// layer_norm.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_LAYER_NORM_H
#define KERNEL_LAYER_NORM_H

#include "shares.h"

// Layer normalisation of every row, with the biased variance.
//
//   y[r, :] = (x[r, :] - mean[r]) rstd[r] w + b,    rstd = 1 / sqrt(variance + epsilon)
//
//   x [rows, width]    w, b [width]    ->    y [rows, width]; mean, rstd [rows]
EXTERN void layer_norm(float *restrict y, float *restrict mean, float *restrict rstd,
                       const float *restrict x, const float *restrict w,
                       const float *restrict b, int rows, int width, float epsilon);

// Gradient of layer_norm's input, with what a residual connection adds; residual may be d_x.
//
//   d_x[r, :] = gradient of x[r, :] + residual[r, :]; residual NULL: 0
EXTERN void layer_norm_input_gradient(float *d_x, const float *restrict d_y,
                                      const float *restrict x, const float *restrict w,
                                      const float *restrict mean,
                                      const float *restrict rstd, const float *residual,
                                      int rows, int width);

// Gradients of layer_norm's weight and bias.
//
//   d_w = sum over r of d_y[r, :] n[r, :]    d_b = sum over r of d_y[r, :]
//
// shares: this call's, in a parallel region; NULL: the call makes a region of its own.
EXTERN void layer_norm_weight_gradient(float *restrict d_w, float *restrict d_b,
                                       const float *restrict d_y,
                                       const float *restrict x,
                                       const float *restrict mean,
                                       const float *restrict rstd, int rows,
                                       int width, work_shares *shares);

#endif
