// expert_linear_input_gradient.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_EXPERT_LINEAR_INPUT_GRADIENT_H
#define KERNEL_EXPERT_LINEAR_INPUT_GRADIENT_H

#include "finish.h"

// One of several products that add up to one gradient: what comes back, and its weights.
typedef struct {
    const float *d_y;  // [rows, out]
    const float *w;    // [experts, out, in] in panels
} gradient_part;

// d_x[r, :] = sum over the parts of d_y[r, :] w[e]      for the rows r of expert e, then `finish`
//
//   parts [count]    start [experts + 1]    finish, may be NULL    ->    d_x [rows, in]
EXTERN void expert_linear_input_gradient_parts(
    float *d_x, const gradient_part *parts, int count, const int32_t *start, int experts,
    int in, int out, finish_block finish, const finish_operands *operands);

// d_x[r, :] = d_y[r, :] w[e]      for the rows r of expert e, then `finish`
//
//   d_y [rows, out]    w [experts, out, in] in panels    start [experts + 1]
//   finish, may be NULL    ->    d_x [rows, in]
EXTERN void expert_linear_input_gradient_finished(
    float *d_x, const float *d_y, const float *w, const int32_t *start, int experts, int in,
    int out, finish_block finish, const finish_operands *operands);

// d_x[r, :] = d_y[r, :] w[e], as above
EXTERN void expert_linear_input_gradient(float *d_x, const float *d_y, const float *w,
                                         const int32_t *start, int experts, int in, int out);

#endif
