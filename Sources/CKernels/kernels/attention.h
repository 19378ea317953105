// attention.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_H
#define KERNEL_ATTENTION_H

#include "base.h"

// Causal attention of every (sequence, head), with dropout on the softmaxed weights.
//
//   y[i] = sum over j <= i of drop(softmax over j <= i of (scale <q[i], k[j]>)) v[j]
//
//   q, k, v: row t of sequence s begins at (s length + t) row and holds all heads, one after
//   the other: row = heads * depth, or 3 heads * depth for the parts of one tensor
//   y [sequences, length, heads * depth]
//   maximums, sums [sequences, heads, length] for backward: the largest score of a query, times
//   log2(e), and the sum of 2^(score log2(e) - maximum); or both NULL: not kept. In one number
//   a large maximum would leave no digits for the sum.
#if MODEL_TAKES_DOCUMENTS
//   beginnings [sequences, length]: keys before a query's are hidden; NULL: none are
#endif
//
// The scores carry log2(e), so that the weights are powers of 2, which take the least work.
// The softmax is built up tile by tile: when a later tile holds a larger score, what was
// summed so far is scaled down. Dropout's weight number is ((s heads + h) length + i)
// length + j.
EXTERN void causal_attention(float *restrict y, float *restrict maximums,
                             float *restrict sums,
                             const float *restrict q, const float *restrict k,
                             const float *restrict v, int row, int sequences, int heads,
#if MODEL_TAKES_DOCUMENTS
                             int length, int depth, float scale, double rate, uint64_t key,
                             const int32_t *beginnings);
#else
                             int length, int depth, float scale, double rate, uint64_t key);
#endif

// The same for `length` positions after `past` others of the same sequence: q, k, v and y
// point at the first of these, and before it lie the rows of the others, as they were then.
//
// Queries go in groups of LANES from the first position of all on, wherever a pass begins, so
// that the sums of a row have one order: rows before y that share a group with it are made
// again.
EXTERN void causal_attention_after(float *y, float *restrict maximums,
                                   float *restrict sums, const float *q,
                                   const float *k, const float *v, int row, int sequences,
                                   int heads, int past, int length, int depth, float scale,
#if MODEL_TAKES_DOCUMENTS
                                   double rate, uint64_t key,
                                   const int32_t *beginnings);
#else
                                   double rate, uint64_t key);
#endif

#endif
