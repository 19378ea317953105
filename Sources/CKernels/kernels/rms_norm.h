// rms_norm.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_RMS_NORM_H
#define KERNEL_RMS_NORM_H

#include "base.h"
#include "rows.h"
#include "shares.h"

// Columns of w from i on; w NULL: 1.
INLINE floats rms_norm_weights(const float *w, int i, int count) {
    return w ? floats_load_some(w + i, count) : floats_all(1);
}

// rstd of a row whose squares are too large for a float, as those of 2e19 are: it would be 0, and
// nothing of the row left to be seen. NaN and infinity give NaN.
OUTLINE float rms_norm_large_row(const float *x, int width, float epsilon) {
    double squares = 0;
    for (int i = 0; i < width; i++) { squares += (double)x[i] * (double)x[i]; }
    // Infinity times the 0 that it would give is no number, whatever w is.
    return isinf(squares) ? NAN : (float)(1 / sqrt(squares / width + (double)epsilon));
}

INLINE void rms_norm_row(float *restrict y, float *restrict rstd, const float *restrict x,
                         const float *restrict w, int width, float epsilon) {
    float squares = row_dot(x, x, width);
    float factor = 1.0f / sqrtf(squares / (float)width + epsilon);
    if (!isfinite(squares)) { factor = rms_norm_large_row(x, width, epsilon); }
    *rstd = factor;
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
        floats_store(y + i, floats_load(x + i) * factor * rms_norm_weights(w, i, LANES));
    }
    if (i < width) {
        floats n = floats_load_some(x + i, width - i) * factor;
        floats_store_some(y + i, n * rms_norm_weights(w, i, width - i), width - i);
    }
}

// Of the usual small widths a row stays in registers: loops over a constant are unrolled.
INLINE void rms_norm_any_row(float *restrict y, float *restrict rstd, const float *restrict x,
                             const float *restrict w, int width, float epsilon) {
    switch (width) {
    case 64: rms_norm_row(y, rstd, x, w, 64, epsilon); break;
    case 128: rms_norm_row(y, rstd, x, w, 128, epsilon); break;
    case 256: rms_norm_row(y, rstd, x, w, 256, epsilon); break;
    default: rms_norm_row(y, rstd, x, w, width, epsilon);
    }
}

// Root mean square normalisation of every row.
//
//   y[r, :] = x[r, :] rstd[r] w,    rstd = 1 / sqrt(mean of x^2 + epsilon)
//
//   x [rows, width]    w [width], or NULL: 1    ->    y [rows, width]; rstd [rows]
KERNEL void rms_norm(float *restrict y, float *restrict rstd, const float *restrict x,
                     const float *restrict w, int rows, int width, float epsilon) {
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        size_t at = (size_t)r * width;
        rms_norm_any_row(y + at, rstd + r, x + at, w, width, epsilon);
    }
}

// The same for rows sorted by expert, each expert with weights of its own.
//
//   w [experts, width]    start [experts + 1]: expert e owns rows start[e] ..< start[e + 1]
KERNEL void expert_rms_norm(float *restrict y, float *restrict rstd, const float *restrict x,
                            const float *restrict w, const int32_t *restrict start,
                            int experts, int width, float epsilon) {
    #pragma omp parallel if ((size_t)start[experts] * width > 4096)
    for (int e = 0; e < experts; e++) {
        FOR_OWN(i, start[e + 1] - start[e]) {
            int r = start[e] + i;
            size_t at = (size_t)r * width;
            rms_norm_any_row(y + at, rstd + r, x + at, w + (size_t)e * width, width, epsilon);
        }
    }
}

// One row of d_x, with n = x rstd and g = d_y w; residual NULL: 0. residual may be d_x.
//
//   d_x = rstd (g - n mean(g n)) + residual
INLINE void rms_norm_row_gradient(float *d_x, const float *d_y, const float *x, const float *w,
                                  float rstd, const float *residual, int width) {
    floats sum = {0};
    int full = width - width % LANES;
    for (int i = 0; i < width; i += LANES) {
        int count = i < full ? LANES : width - i;
        floats g = floats_load_some(d_y + i, count) * rms_norm_weights(w, i, count);
        sum = floats_multiply_add(g, floats_load_some(x + i, count) * rstd, sum);
    }
    floats mean = floats_all(-floats_sum(sum) / (float)width);
    for (int i = 0; i < width; i += LANES) {
        int count = i < full ? LANES : width - i;
        floats g = floats_load_some(d_y + i, count) * rms_norm_weights(w, i, count);
        floats n = floats_load_some(x + i, count) * rstd;
        floats d = floats_multiply_add(n, mean, g) * rstd;
        if (residual) { d += floats_load_some(residual + i, count); }
        floats_store_some(d_x + i, d, count);
    }
}

// Gradient of rms_norm's input, with what a residual connection adds; residual may be d_x.
//
//   d_x[r, :] = gradient of x[r, :] + residual[r, :]; residual NULL: 0
KERNEL void rms_norm_input_gradient(float *d_x, const float *restrict d_y,
                                    const float *restrict x, const float *restrict w,
                                    const float *restrict rstd, const float *residual, int rows,
                                    int width) {
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        size_t at = (size_t)r * width;
        rms_norm_row_gradient(d_x + at, d_y + at, x + at, w, rstd[r],
                              residual ? residual + at : NULL, width);
    }
}

// The same for rows sorted by expert.
KERNEL void expert_rms_norm_input_gradient(float *d_x, const float *restrict d_y,
                                           const float *restrict x, const float *restrict w,
                                           const float *restrict rstd, const float *residual,
                                           const int32_t *restrict start, int experts,
                                           int width) {
    #pragma omp parallel if ((size_t)start[experts] * width > 4096)
    for (int e = 0; e < experts; e++) {
        FOR_OWN(i, start[e + 1] - start[e]) {
            int r = start[e] + i;
            size_t at = (size_t)r * width;
            rms_norm_row_gradient(d_x + at, d_y + at, x + at, w + (size_t)e * width, rstd[r],
                                  residual ? residual + at : NULL, width);
        }
    }
}

// d_w of up to ROW_BLOCK columns, over rows first ..< end in order; the pointers start at the
// first column.
INLINE void rms_norm_columns_gradient(float *restrict d_w, const float *restrict d_y,
                                      const float *restrict x, const float *restrict rstd,
                                      int first, int end, int width, int columns) {
    floats sum[4] = {{0}, {0}, {0}, {0}};
    for (int r = first; r < end; r++) {
        const float *d_r = d_y + (size_t)r * width, *x_r = x + (size_t)r * width;
        UNROLL
        for (int v = 0; v < 4; v++) {
            int at = v * LANES;
            floats n = floats_load_some(x_r + at, columns - at) * rstd[r];
            sum[v] = floats_multiply_add(floats_load_some(d_r + at, columns - at), n, sum[v]);
        }
    }
    UNROLL
    for (int v = 0; v < 4; v++) {
        floats_store_some(d_w + v * LANES, sum[v], columns - v * LANES);
    }
}

// The calling thread's shares of a weight gradient: blocks of columns, of each expert in turn.
// start NULL: one for all rows.
INLINE void take_rms_norm_columns(float *restrict d_w, const float *restrict d_y,
                                  const float *restrict x, const float *restrict rstd,
                                  const int32_t *restrict start, int experts, int rows,
                                  int width, work_shares *left) {
    int blocks = blocks_of(width, ROW_BLOCK), all = blocks * experts;
    for (share_range s; take_shares(left, &s);) {
        int last = block_start(s.end, all, left->count);
        for (int part = block_start(s.first, all, left->count); part < last; part++) {
            int e = part / blocks, c = part % blocks * ROW_BLOCK;
            int first = start ? start[e] : 0, end = start ? start[e + 1] : rows;
            float *d_e = d_w + (size_t)e * width + c;
            if (width - c >= ROW_BLOCK) {
                rms_norm_columns_gradient(d_e, d_y + c, x + c, rstd, first, end, width,
                                          ROW_BLOCK);
            } else {
                rms_norm_columns_gradient(d_e, d_y + c, x + c, rstd, first, end, width,
                                          width - c);
            }
        }
    }
}

// Gradient of rms_norm's weight.
//
//   d_w = sum over r of d_y[r, :] x[r, :] rstd[r]
//
// shares: this call's, in a parallel region; NULL: the call makes a region of its own.
KERNEL void rms_norm_weight_gradient(float *restrict d_w, const float *restrict d_y,
                                     const float *restrict x, const float *restrict rstd,
                                     int rows, int width, work_shares *shares) {
    if (shares) {
        take_rms_norm_columns(d_w, d_y, x, rstd, NULL, 1, rows, width, shares);
        return;
    }
    work_shares own;
    deal_shares(&own, 1);
    #pragma omp parallel if ((size_t)rows * width > 4096)
    take_rms_norm_columns(d_w, d_y, x, rstd, NULL, 1, rows, width, &own);
}

// The same for rows sorted by expert; that of an expert without rows is 0.
//
//   d_w [experts, width]
KERNEL void expert_rms_norm_weight_gradient(float *restrict d_w, const float *restrict d_y,
                                            const float *restrict x,
                                            const float *restrict rstd,
                                            const int32_t *restrict start, int experts,
                                            int width, work_shares *shares) {
    if (shares) {
        take_rms_norm_columns(d_w, d_y, x, rstd, start, experts, 0, width, shares);
        return;
    }
    work_shares own;
    deal_shares(&own, 1);
    #pragma omp parallel if ((size_t)start[experts] * width > 4096)
    take_rms_norm_columns(d_w, d_y, x, rstd, start, experts, 0, width, &own);
}

#endif
