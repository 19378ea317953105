// cross_entropy.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_CROSS_ENTROPY_H
#define KERNEL_CROSS_ENTROPY_H

#include "threads.h"
#include "rows.h"
#include "scalar_math.h"

// Mean cross-entropy over the rows; NaN if any logit is NaN.
//
//   loss = mean over r of logsumexp[r] - logits[r, targets[r]]
//   logsumexp[r] = ln(sum over i of exp(logits[r, i]))
//
//   logits [rows, width]    targets [rows], in 0 ..< width
//   ->    logsumexp [rows], for backward
KERNEL float cross_entropy(float *restrict logsumexp, const float *restrict logits,
                           const int32_t *restrict targets, int rows, int width) {
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        const float *x = logits + (size_t)r * width;
        float maximum = row_max(x, width);
        logsumexp[r] = maximum + log_f(row_exp(NULL, x, maximum, 1.0f, width));
    }
    double sum = 0;
    for (int r = 0; r < rows; r++) {
        sum += (double)logsumexp[r] - (double)logits[(size_t)r * width + targets[r]];
    }
    return (float)(sum / rows);
}

static inline void cross_entropy_row_gradient(float *restrict d_x, const float *restrict x,
                                              float logsumexp, float scale, int target,
                                              int width) {
    row_exp(d_x, x, logsumexp, scale, width);
    d_x[target] -= scale;
}

// Gradient of the mean cross-entropy; d_loss is the gradient of the mean, mostly 1.
//
//   d_logits[r, i] = (exp(logits[r, i] - logsumexp[r]) - (i == targets[r])) d_loss / rows
KERNEL void cross_entropy_gradient(float *restrict d_logits, float d_loss,
                                   const float *restrict logits,
                                   const float *restrict logsumexp,
                                   const int32_t *restrict targets, int rows, int width) {
    float scale = d_loss / (float)rows;
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        size_t at = (size_t)r * width;
        cross_entropy_row_gradient(d_logits + at, logits + at, logsumexp[r], scale,
                                   targets[r], width);
    }
}

#endif
