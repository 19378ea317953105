// linear_cross_entropy.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_LINEAR_CROSS_ENTROPY_H
#define KERNEL_LINEAR_CROSS_ENTROPY_H

#include "cross_entropy.h"
#include "linear.h"
#include "sum.h"

// The loss of a large vocabulary without its logits: of `part` outputs at a time the logits of all rows are
// made, used, and overwritten by the next ones'. A part begins with a panel.

// The outputs of the part that begins with `first`.
static inline int part_outputs(int first, int part, int out) {
    return out - first < part ? out - first : part;
}

// The logits of a part: its outputs' weights and biases lie side by side.
static inline void part_logits(float *logits, const float *x, const float *w, const float *b,
                               int rows, int in, int first, int outputs) {
    linear(logits, x, w + (size_t)first * (size_t)in, b ? b + first : NULL, rows, in, outputs);
}

// Takes logits of a row into its maximum and the sum of their powers so far.
static inline void add_logits(float *maximum, float *sum, const float *logits, int width) {
    float highest = row_max(logits, width);
    if (highest > *maximum) {
        *sum *= exp_f(*maximum - highest);
        *maximum = highest;
    }
    *sum += row_exp(NULL, logits, *maximum, 1.0f, width);
}

// Mean cross-entropy of logits = w x + b (cross_entropy.h), which are never all in memory.
//
//   x [rows, in]    w [out, in] in panels    b [out], may be NULL    targets [rows]
//   room [rows, part + 1]    ->    maximum, sum [rows], for backward
KERNEL float linear_cross_entropy(float *restrict maximum, float *restrict sum,
                                  float *restrict room, const float *restrict x,
                                  const float *restrict w, const float *restrict b,
                                  const int32_t *restrict targets, int rows, int in, int out,
                                  int part) {
    float *logits = room, *chosen = room + (size_t)rows * (size_t)part;
    for (int first = 0; first < out; first += part) {
        int outputs = part_outputs(first, part, out);
        part_logits(logits, x, w, b, rows, in, first, outputs);
        #pragma omp parallel if ((size_t)rows * outputs > 4096)
        FOR_OWN(r, rows) {
            const float *own = logits + (size_t)r * outputs;
            if (first == 0) {
                maximum[r] = row_max(own, outputs);
                sum[r] = row_exp(NULL, own, maximum[r], 1.0f, outputs);
            } else {
                add_logits(&maximum[r], &sum[r], own, outputs);
            }
            int target = targets[r] - first;
            if (target >= 0 && target < outputs) { chosen[r] = own[target]; }
        }
    }
    double loss = 0;
    for (int r = 0; r < rows; r++) {
        if (targets[r] < 0) {
            loss += 0 * (double)sum[r];
            continue;
        }
        loss += (double)maximum[r] - (double)chosen[r] + (double)log_f(sum[r]);
    }
    return (float)(loss / larger(count_targets(targets, rows), 1));
}

// Logits of a part become their gradients.
static inline void part_gradient(float *logits, const float *maximum, const float *sum,
                                 const int32_t *targets, float scale, int rows, int first,
                                 int outputs) {
    #pragma omp parallel if ((size_t)rows * outputs > 4096)
    FOR_OWN(r, rows) {
        float *own = logits + (size_t)r * outputs;
        if (targets[r] < 0) {
            memset(own, 0, sizeof *own * (size_t)outputs);
            continue;
        }
        row_exp(own, own, maximum[r], scale / sum[r], outputs);
        int target = targets[r] - first;
        if (target >= 0 && target < outputs) { own[target] -= scale; }
    }
}

// d_x += sum
static inline void add_part(float *restrict d_x, const float *restrict sum, int rows, int in) {
    #pragma omp parallel if ((size_t)rows * in > 4096)
    FOR_OWN(r, rows) {
        for (int i = 0; i < in; i++) { d_x[(size_t)r * in + i] += sum[(size_t)r * in + i]; }
    }
}

// Gradients of linear_cross_entropy; d_loss is that of the mean, mostly 1. The logits are made again.
//
//   d_logits = (softmax(logits) - (i == targets[r])) d_loss / count, 0 if targets[r] < 0
//   d_x = d_logits w    d_w = d_logits^T x    d_b = sum over rows of d_logits    (written; each may be NULL)
//
//   room [rows, part + in]
KERNEL void linear_cross_entropy_gradient(float *restrict d_x, float *restrict d_w,
                                          float *restrict d_b, float *restrict room,
                                          float d_loss, const float *restrict x,
                                          const float *restrict w, const float *restrict b,
                                          const float *restrict maximum,
                                          const float *restrict sum,
                                          const int32_t *restrict targets, int rows, int in,
                                          int out, int part) {
    float scale = d_loss / (float)larger(count_targets(targets, rows), 1);
    float *logits = room, *d_part = room + (size_t)rows * (size_t)part;
    for (int first = 0; first < out; first += part) {
        int outputs = part_outputs(first, part, out);
        size_t at = (size_t)first * (size_t)in;
        part_logits(logits, x, w, b, rows, in, first, outputs);
        part_gradient(logits, maximum, sum, targets, scale, rows, first, outputs);
        if (d_x) {
            linear_input_gradient(first ? d_part : d_x, logits, w + at, rows, in, outputs);
            if (first) { add_part(d_x, d_part, rows, in); }
        }
        if (d_w) {
            linear_weight_gradient(d_w + at, d_b ? d_b + first : NULL, logits, x, rows, in,
                                   outputs, NULL, 1, NULL);
        } else if (d_b) {
            sum_leading(d_b + first, logits, rows, outputs);
        }
    }
}

#endif
