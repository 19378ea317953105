// expert_linear.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_EXPERT_LINEAR_H
#define KERNEL_EXPERT_LINEAR_H

#include "finish.h"

// One of several products of the same rows: its weights, and what becomes of its result.
typedef struct {
    float *y;                         // [rows, out]
    const float *w;                   // [experts, out, in] in panels
    const float *b;                   // [experts, out]; may be NULL
    finish_block finish;              // may be NULL
    const finish_operands *operands;  // of finish
} linear_part;

// y[r, :] = w[e] x[source[r], :] + b[e]      for the rows r of expert e, then `finish`, of each
// part
//
//   parts [count]    x [*, in]    source [rows], or NULL: row r of x is row r of y
//   start [experts + 1]: expert e owns rows start[e] ..< start[e + 1]
EXTERN void expert_linear_parts(const linear_part *parts, int count, const float *x,
                                const int32_t *source, const int32_t *start, int experts,
                                int in, int out);

// y[r, :] = w[e] x[source[r], :] + b[e]      for the rows r of expert e, then `finish`
//
//   x [*, in]    source [rows], or NULL: row r of x is row r of y    finish, may be NULL
//   w [experts, out, in] in panels    b [experts, out], may be NULL    ->    y [rows, out]
//   start [experts + 1]: expert e owns rows start[e] ..< start[e + 1]
EXTERN void expert_linear_finished(float *y, const float *x, const int32_t *source,
                                   const float *w, const float *b, const int32_t *start,
                                   int experts, int in, int out, finish_block finish,
                                   const finish_operands *operands);

// y[r, :] = w[e] x[source[r], :] + b[e], as above
EXTERN void expert_linear_gathered(float *y, const float *x, const int32_t *source,
                                   const float *w, const float *b, const int32_t *start,
                                   int experts, int in, int out);

// y[r, :] = w[e] x[r, :] + b[e], as above
EXTERN void expert_linear(float *y, const float *x, const float *w, const float *b,
                          const int32_t *start, int experts, int in, int out);

#endif
