// attention_gradient.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_GRADIENT_H
#define KERNEL_ATTENTION_GRADIENT_H

#include "base.h"

// Gradients of attention, from its output y and the maximums and sums it kept. The weights p
// and dropout's factors m (0 or 1 / (1 - rate)) are computed again, tile by tile.
//
//   d_v[j] = sum over i >= j of m[i, j] p[i, j] d_y[i]
//   d_s[i, j] = p[i, j] (m[i, j] <d_y[i], v[j]> - <d_y[i], y[i]>)
//   d_q[i] = scale sum over j <= i of d_s[i, j] k[j]
//   d_k[j] = scale sum over i >= j of d_s[i, j] q[i]
//
// Sizes and dropout's numbers are those of causal_attention; d_q, d_k and d_v have rows of
// d_row floats and are written whole.
EXTERN void causal_attention_gradient(float *restrict d_q, float *restrict d_k,
                                      float *restrict d_v, const float *restrict d_y,
                                      const float *restrict y, const float *restrict q,
                                      const float *restrict k, const float *restrict v,
                                      const float *restrict maximums,
                                      const float *restrict sums, int row, int d_row,
                                      int sequences, int heads, int length, int depth,
#if MODEL_TAKES_DOCUMENTS
                                      float scale, double rate, uint64_t key,
                                      const int32_t *beginnings);
#else
                                      float scale, double rate, uint64_t key);
#endif

#endif
