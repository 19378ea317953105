// expert_linear_weight_gradient.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_EXPERT_LINEAR_WEIGHT_GRADIENT_H
#define KERNEL_EXPERT_LINEAR_WEIGHT_GRADIENT_H

#include "adamw.h"
#include "shares.h"

// The weight gradients of a layer with one matrix per expert.
typedef struct {
    float *d_w, *d_b;
    const float *d_y, *x;
    const int32_t *source, *start;
    int experts, in, out;
    const weight_update *updates;  // NULL, or one for each of the joined matrices
    int joined;                    // so many make up the outputs of an expert
} gradient_layer;

// All of it, in a region of its own, or the calling thread's shares of it in another's.
EXTERN void weight_gradients(const gradient_layer *l, work_shares *shares);

// d_w[e] = sum over the rows r of expert e of d_y[r, :]^T x[source[r], :]
// d_b[e] = sum over the rows r of expert e of d_y[r, :]            (d_b may be NULL)
//
//   d_y [rows, out]    x [*, in]    source [rows], or NULL: row r of x    start [experts + 1]
//   ->    d_w [experts, out, in] in panels    d_b [experts, out]
//
// Both are written whole: 0 for padding and for experts without rows. With an update (NULL:
// none), d_w is not: the weights of experts with rows make AdamW's step instead.
//
// In a parallel region every thread makes the call, with shares that were dealt before;
// alone the call makes a region of its own: shares NULL.
KERNEL void expert_linear_weight_gradient_gathered(
    float *restrict d_w, float *restrict d_b, const float *restrict d_y,
    const float *restrict x, const int32_t *restrict source, const int32_t *restrict start,
    int experts, int in, int out, const weight_update *update, work_shares *shares) {
    gradient_layer l = {d_w, d_b, d_y, x, source, start, experts, in, out, update, 1};
    weight_gradients(&l, shares);
}

// As above, row r of x belonging to row r of d_y.
KERNEL void expert_linear_weight_gradient(float *restrict d_w, float *restrict d_b,
                                          const float *restrict d_y,
                                          const float *restrict x,
                                          const int32_t *restrict start, int experts,
                                          int in, int out, const weight_update *update,
                                          work_shares *shares) {
    expert_linear_weight_gradient_gathered(d_w, d_b, d_y, x, NULL, start, experts, in, out,
                                           update, shares);
}

#endif
