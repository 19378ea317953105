// general_attention_gradient.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_GENERAL_ATTENTION_GRADIENT_H
#define KERNEL_GENERAL_ATTENTION_GRADIENT_H

#include "attention_form.h"

// Gradients of general_attention, as causal_attention_gradient makes them. Those of keys and
// values are sums over the heads that read them, head by head; with a cap d_s is multiplied by
// 1 - (score / cap)^2. Sinks are in maximums and sums.
//
//   d_q, d_k, d_v have the rows of q, k and v, and are written whole
EXTERN void general_attention_gradient(float *restrict d_q, float *restrict d_k,
                                       float *restrict d_v, const float *restrict d_y,
                                       const float *restrict y, const float *restrict q,
                                       const float *restrict k, const float *restrict v,
                                       const float *restrict maximums,
                                       const float *restrict sums, int sequences, int heads,
                                       int length, int depth, float scale, double rate,
                                       uint64_t key, const attention_form *form);

#endif
