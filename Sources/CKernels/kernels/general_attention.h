// general_attention.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_GENERAL_ATTENTION_H
#define KERNEL_GENERAL_ATTENTION_H

#include "attention_form.h"

// Causal attention as causal_attention_after does it, after `past` positions or none, of any
// form:
//
//   score[i, j] = cap tanh(scale <q[i], k[j]> / cap)    for i - window < j <= i
//   y[i] = sum over j of drop(e^score[i, j] / (e^sink + sum over j of e^score[i, j])) v[j]
//
//   k, v: of key_heads heads; maximums and sums hold the sinks, too
EXTERN void general_attention(float *y, float *restrict maximums, float *restrict sums,
                              const float *q, const float *k, const float *v, int sequences,
                              int heads, int past, int length, int depth, float scale,
                              double rate, uint64_t key, const attention_form *form);

#endif
