// linear.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_LINEAR_H
#define KERNEL_LINEAR_H

#include "expert_linear.h"
#include "expert_linear_input_gradient.h"
#include "expert_linear_weight_gradient.h"

// y[r, :] = w x[r, :] + b, then `finish` (may be NULL)
//
//   x [rows, in]    w [out, in] in panels    b [out], may be NULL    ->    y [rows, out]
KERNEL void linear_finished(float *y, const float *x, const float *w, const float *b,
                            int rows, int in, int out, finish_block finish,
                            const finish_operands *operands) {
    const int32_t start[2] = {0, rows};
    expert_linear_finished(y, x, NULL, w, b, start, 1, in, out, finish, operands);
}

// y[r, :] = w x[r, :] + b
//
//   x [rows, in]    w [out, in] in panels    b [out], may be NULL    ->    y [rows, out]
KERNEL void linear(float *restrict y, const float *restrict x, const float *restrict w,
                   const float *restrict b, int rows, int in, int out) {
    const int32_t start[2] = {0, rows};
    expert_linear(y, x, w, b, start, 1, in, out);
}

// y[r, :] = w x[r, :] + b, then `finish`: of each part
//
//   parts [count]    x [rows, in]    ->    the parts' y [rows, out]
KERNEL void linear_parts(const linear_part *parts, int count, const float *x, int rows, int in,
                         int out) {
    const int32_t start[2] = {0, rows};
    expert_linear_parts(parts, count, x, NULL, start, 1, in, out);
}

// d_x[r, :] = sum over the parts of d_y[r, :] w, then `finish` (may be NULL)
//
//   parts [count], of d_y [rows, out] and w [out, in] in panels    ->    d_x [rows, in]
KERNEL void linear_input_gradient_parts(float *d_x, const gradient_part *parts, int count,
                                        int rows, int in, int out, finish_block finish,
                                        const finish_operands *operands) {
    const int32_t start[2] = {0, rows};
    expert_linear_input_gradient_parts(d_x, parts, count, start, 1, in, out, finish, operands);
}

// d_x[r, :] = d_y[r, :] w, then `finish` (may be NULL)
//
//   d_y [rows, out]    w [out, in] in panels    ->    d_x [rows, in]
KERNEL void linear_input_gradient_finished(float *d_x, const float *d_y, const float *w,
                                           int rows, int in, int out, finish_block finish,
                                           const finish_operands *operands) {
    const int32_t start[2] = {0, rows};
    expert_linear_input_gradient_finished(d_x, d_y, w, start, 1, in, out, finish, operands);
}

// d_x[r, :] = d_y[r, :] w
//
//   d_y [rows, out]    w [out, in] in panels    ->    d_x [rows, in]
KERNEL void linear_input_gradient(float *restrict d_x, const float *restrict d_y,
                                  const float *restrict w, int rows, int in, int out) {
    const int32_t start[2] = {0, rows};
    expert_linear_input_gradient(d_x, d_y, w, start, 1, in, out);
}

// d_w = d_y^T x    d_b = sum over rows of d_y    (written, not added to; d_b may be NULL)
//
//   d_y [rows, out]    x [rows, in]    ->    d_w [out, in] in panels, padding 0    d_b [out]
//   updates [joined]: w is as many matrices that lie one after the other, and AdamW changes
//   them in place of d_w being written; NULL: it does not
//   shares: this call's, in a parallel region; NULL: the call makes a region of its own
KERNEL void linear_weight_gradient(float *restrict d_w, float *restrict d_b,
                                   const float *restrict d_y, const float *restrict x,
                                   int rows, int in, int out,
                                   const weight_update *updates, int joined,
                                   work_shares *shares) {
    const int32_t start[2] = {0, rows};
    gradient_layer l = {d_w, d_b, d_y, x, NULL, start, 1, in, out, updates, joined};
    weight_gradients(&l, shares);
}

#endif
