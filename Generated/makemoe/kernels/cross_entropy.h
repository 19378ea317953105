// cross_entropy.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_CROSS_ENTROPY_H
#define KERNEL_CROSS_ENTROPY_H

#include "threads.h"
#include "targets.h"
#include "rows.h"
#include "scalar_math.h"

// Mean cross-entropy over the rows whose targets are not ignored, 0 if all are; NaN if any logit
// is NaN, for backward would spread it from rows that are ignored too.
//
//   loss = mean over r with targets[r] >= 0 of maximum[r] - logits[r, targets[r]] + ln(sum[r])
//   maximum[r] = max over i of logits[r, i]
//   sum[r] = sum over i of exp(logits[r, i] - maximum[r])
//
//   logits [rows, width]    targets [rows], in 0 ..< width, or below 0
//   ->    maximum, sum [rows], for backward: apart, since in one number a large maximum would
//         leave no digits for the sum
KERNEL float cross_entropy(float *restrict maximum, float *restrict sum,
                           const float *restrict logits, const int32_t *restrict targets,
                           int rows, int width) {
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        const float *x = logits + (size_t)r * width;
        maximum[r] = row_max(x, width);
        sum[r] = row_exp(NULL, x, maximum[r], 1.0f, width);
    }
    double loss = 0;
    for (int r = 0; r < rows; r++) {
        if (targets[r] < 0) {
            loss += 0 * (double)sum[r];
            continue;
        }
        double target = (double)logits[(size_t)r * width + targets[r]];
        loss += (double)maximum[r] - target + (double)log_f(sum[r]);
    }
    return (float)(loss / larger(count_targets(targets, rows), 1));
}

static inline void cross_entropy_row_gradient(float *restrict d_x, const float *restrict x,
                                              float maximum, float sum, float scale,
                                              int target, int width) {
    row_exp(d_x, x, maximum, scale / sum, width);
    d_x[target] -= scale;
}

// Gradient of the mean cross-entropy; d_loss is the gradient of the mean, mostly 1.
//
//   d_logits[r, i] = (softmax[r, i] - (i == targets[r])) d_loss / count, 0 if targets[r] < 0
//   softmax[r, i] = exp(logits[r, i] - maximum[r]) / sum[r]
KERNEL void cross_entropy_gradient(float *restrict d_logits, float d_loss,
                                   const float *restrict logits,
                                   const float *restrict maximum,
                                   const float *restrict sum,
                                   const int32_t *restrict targets, int rows, int width) {
    float scale = d_loss / (float)larger(count_targets(targets, rows), 1);
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        size_t at = (size_t)r * width;
        if (targets[r] < 0) {
            memset(d_logits + at, 0, sizeof *d_logits * (size_t)width);
            continue;
        }
        cross_entropy_row_gradient(d_logits + at, logits + at, maximum[r], sum[r], scale,
                                   targets[r], width);
    }
}

#endif
