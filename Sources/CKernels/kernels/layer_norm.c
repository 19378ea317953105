// layer_norm.c: a kernel of moec's, the same for every model.

#include "layer_norm.h"
#include "rows.h"

// y = (x - mean) rstd w + b for `count` columns; without b where there is none.
INLINE void layer_norm_store(float *y, const float *x, const float *w, const float *b,
                             float mean, float rstd, int count) {
    floats n = (floats_load_some(x, count) - mean) * rstd;
    floats scale = floats_load_some(w, count);
    floats_store_some(y, b ? floats_multiply_add(n, scale, floats_load_some(b, count)) : n * scale,
                      count);
}

INLINE void layer_norm_store_row(float *restrict y, const float *restrict x,
                                 const float *restrict w, const float *restrict b, float mean,
                                 float rstd, int width) {
    int i = 0;
    for (; i + LANES <= width; i += LANES) {
        layer_norm_store(y + i, x + i, w + i, b ? b + i : NULL, mean, rstd, LANES);
    }
    if (i < width) {
        layer_norm_store(y + i, x + i, w + i, b ? b + i : NULL, mean, rstd, width - i);
    }
}

// Rows that are taken together, so that the sums, root and divisions of one need not wait for
// those of another.
#define LAYER_NORM_ROWS 4

// Rows are asked for this long before they are written: another thread may have read them last.
#define LAYER_NORM_AHEAD (2 * LAYER_NORM_ROWS)

INLINE void layer_norm_fetch_rows(float *y, int first, int end, int width) {
    for (int r = first; r < end; r++) {
        for (int c = 0; c < width; c += 16) {
            __builtin_prefetch(y + (size_t)r * width + c, 1);
        }
    }
}

// Mean and rstd of a row whose sums are too large for a float, as squares of 2e19 are: rstd
// would be 0, and nothing of the row left to be seen. NaN and infinity give NaN.
OUTLINE void layer_norm_large_row(float *mean, float *rstd, const float *x, int width,
                                  float epsilon) {
    double sum = 0, squares = 0;
    for (int i = 0; i < width; i++) { sum += (double)x[i]; }
    double center = sum / width;
    for (int i = 0; i < width; i++) {
        double deviation = (double)x[i] - center;
        squares += deviation * deviation;
    }
    *mean = (float)center;
    *rstd = (float)(1 / sqrt(squares / width + (double)epsilon));
}

// Layer normalisation of LAYER_NORM_ROWS rows from `first` on, or of those that are left.
INLINE void layer_norm_rows(float *restrict y, float *restrict mean,
                            float *restrict rstd, const float *restrict x,
                            const float *restrict w, const float *restrict b, int first,
                            int rows, int width, float epsilon) {
    int end = smaller(first + LAYER_NORM_ROWS, rows);
    size_t row = (size_t)width;
    layer_norm_fetch_rows(y, smaller(first + LAYER_NORM_AHEAD, rows),
                          smaller(end + LAYER_NORM_AHEAD, rows), width);
    for (int r = first; r < end; r++) {
        mean[r] = row_sum(x + r * row, width) / (float)width;
    }
    for (int r = first; r < end; r++) {
        float sum = row_squared_deviation(x + r * row, mean[r], width);
        rstd[r] = 1.0f / sqrtf(sum / (float)width + epsilon);
        if (!isfinite(sum)) {
            layer_norm_large_row(mean + r, rstd + r, x + r * row, width, epsilon);
        }
    }
    for (int r = first; r < end; r++) {
        layer_norm_store_row(y + r * row, x + r * row, w, b, mean[r], rstd[r], width);
    }
}

// Of the usual small widths a row stays in registers: loops over a constant are unrolled.
INLINE void layer_norm_of(float *restrict y, float *restrict mean, float *restrict rstd,
                          const float *restrict x, const float *restrict w,
                          const float *restrict b, int rows, int width, float epsilon) {
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(block, blocks_of(rows, LAYER_NORM_ROWS)) {
        int first = block * LAYER_NORM_ROWS;
        switch (width) {
        case 64: layer_norm_rows(y, mean, rstd, x, w, b, first, rows, 64, epsilon); break;
        case 128: layer_norm_rows(y, mean, rstd, x, w, b, first, rows, 128, epsilon); break;
        case 256: layer_norm_rows(y, mean, rstd, x, w, b, first, rows, 256, epsilon); break;
        default: layer_norm_rows(y, mean, rstd, x, w, b, first, rows, width, epsilon);
        }
    }
}

void layer_norm(float *restrict y, float *restrict mean, float *restrict rstd,
                const float *restrict x, const float *restrict w,
                const float *restrict b, int rows, int width, float epsilon) {
    if (b) {
        layer_norm_of(y, mean, rstd, x, w, b, rows, width, epsilon);
    } else {
        layer_norm_of(y, mean, rstd, x, w, NULL, rows, width, epsilon);
    }
}

// The operands of one row of layer_norm's gradient.
typedef struct {
    const float *d_y, *x, *w, *residual;
    float mean, rstd;
} layer_norm_operands;

// Adds up g = d_y w and g n, where n is the normalised x, for `count` columns from i.
INLINE void layer_norm_add_terms(floats sums[2], layer_norm_operands row, int i, int count) {
    floats g = floats_load_some(row.d_y + i, count) * floats_load_some(row.w + i, count);
    floats n = (floats_load_some(row.x + i, count) - row.mean) * row.rstd;
    sums[0] += g;
    sums[1] = floats_multiply_add(g, n, sums[1]);
}

INLINE void layer_norm_store_gradient(float *d_x, layer_norm_operands row, float mean_g,
                                      float mean_gn, int i, int count) {
    floats g = floats_load_some(row.d_y + i, count) * floats_load_some(row.w + i, count);
    floats n = (floats_load_some(row.x + i, count) - row.mean) * row.rstd;
    floats d = floats_multiply_add(n, floats_all(-mean_gn), g - mean_g) * row.rstd;
    if (row.residual) { d += floats_load_some(row.residual + i, count); }
    floats_store_some(d_x + i, d, count);
}

// One row of d_x, from the means of g and g n:
//
//   d_x = rstd (g - mean(g) - n mean(g n)) + residual
INLINE void layer_norm_row_gradient(float *d_x, layer_norm_operands row, int width) {
    floats sums[2] = {{0}, {0}};
    int full = width - width % LANES;
    for (int i = 0; i < full; i += LANES) { layer_norm_add_terms(sums, row, i, LANES); }
    if (full < width) { layer_norm_add_terms(sums, row, full, width - full); }
    float mean_g = floats_sum(sums[0]) / (float)width;
    float mean_gn = floats_sum(sums[1]) / (float)width;
    for (int i = 0; i < full; i += LANES) {
        layer_norm_store_gradient(d_x, row, mean_g, mean_gn, i, LANES);
    }
    if (full < width) {
        layer_norm_store_gradient(d_x, row, mean_g, mean_gn, full, width - full);
    }
}

// d_w and d_b of up to ROW_BLOCK columns, over all rows in order; the pointers start at the
// first column.
INLINE void layer_norm_columns_gradient(float *restrict d_w, float *restrict d_b,
                                        const float *restrict d_y, const float *restrict x,
                                        const float *restrict mean,
                                        const float *restrict rstd, int rows, int width,
                                        int columns) {
    floats sum_w[4] = {{0}, {0}, {0}, {0}}, sum_b[4] = {{0}, {0}, {0}, {0}};
    for (int r = 0; r < rows; r++, d_y += width, x += width) {
        UNROLL
        for (int v = 0; v < 4; v++) {
            int at = v * LANES;
            floats d = floats_load_some(d_y + at, columns - at);
            floats n = (floats_load_some(x + at, columns - at) - mean[r]) * rstd[r];
            sum_w[v] = floats_multiply_add(d, n, sum_w[v]);
            sum_b[v] += d;
        }
    }
    UNROLL
    for (int v = 0; v < 4; v++) {
        floats_store_some(d_w + v * LANES, sum_w[v], columns - v * LANES);
        if (d_b) { floats_store_some(d_b + v * LANES, sum_b[v], columns - v * LANES); }
    }
}

void layer_norm_input_gradient(float *d_x, const float *restrict d_y,
                               const float *restrict x, const float *restrict w,
                               const float *restrict mean,
                               const float *restrict rstd, const float *residual,
                               int rows, int width) {
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        size_t at = (size_t)r * width;
        layer_norm_operands row = {d_y + at, x + at, w, residual ? residual + at : NULL,
                                   mean[r], rstd[r]};
        layer_norm_row_gradient(d_x + at, row, width);
    }
}

// The calling thread's shares of layer_norm_weight_gradient: blocks of columns.
INLINE void take_layer_norm_columns(float *restrict d_w, float *restrict d_b,
                                    const float *restrict d_y, const float *restrict x,
                                    const float *restrict mean,
                                    const float *restrict rstd, int rows, int width,
                                    work_shares *left) {
    int blocks = blocks_of(width, ROW_BLOCK);
    for (share_range s; take_shares(left, &s);) {
        int end = blocks * s.end / left->count;
        for (int block = blocks * s.first / left->count; block < end; block++) {
            int c = block * ROW_BLOCK;
            float *d_b_c = d_b ? d_b + c : NULL;
            if (width - c >= ROW_BLOCK) {
                layer_norm_columns_gradient(d_w + c, d_b_c, d_y + c, x + c, mean, rstd,
                                            rows, width, ROW_BLOCK);
            } else {
                layer_norm_columns_gradient(d_w + c, d_b_c, d_y + c, x + c, mean, rstd,
                                            rows, width, width - c);
            }
        }
    }
}

void layer_norm_weight_gradient(float *restrict d_w, float *restrict d_b,
                                const float *restrict d_y,
                                const float *restrict x,
                                const float *restrict mean,
                                const float *restrict rstd, int rows,
                                int width, work_shares *shares) {
    if (shares) {
        take_layer_norm_columns(d_w, d_b, d_y, x, mean, rstd, rows, width, shares);
        return;
    }
    work_shares own;
    deal_shares(&own, 1);
    #pragma omp parallel if ((size_t)rows * width > 4096)
    take_layer_norm_columns(d_w, d_b, d_y, x, mean, rstd, rows, width, &own);
}
