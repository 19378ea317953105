// softmax.c: a kernel of moec's, the same for every model.

#include "softmax.h"
#include "threads.h"
#include "rows.h"

static inline void softmax_row(float *restrict y, const float *restrict x, int width) {
    float scale = 1.0f / row_exp(y, x, row_max(x, width), 1.0f, width);
    row_scale(y, scale, width);
}

// Rows narrower than this go LANES at a time, one row a lane.
#define SOFTMAX_NARROW 16

// Lanes past the last row repeat it.
INLINE void softmax_narrow_rows(float *restrict y, const float *restrict x, int rows,
                                int width) {
    _Alignas(64) float columns[SOFTMAX_NARROW * LANES];
    for (int l = 0; l < LANES; l++) {
        const float *x_l = x + smaller(l, rows - 1) * width;
        for (int i = 0; i < width; i++) { columns[i * LANES + l] = x_l[i]; }
    }
    floats maximum = floats_all(-INFINITY), sum = {0};
    for (int i = 0; i < width; i++) {
        maximum = floats_max(floats_load(columns + i * LANES), maximum);
    }
    for (int i = 0; i < width; i++) {
        floats power = floats_exp(floats_load(columns + i * LANES) - maximum);
        floats_store(columns + i * LANES, power);
        sum += power;
    }
    for (int i = 0; i < width; i++) {
        floats_store(columns + i * LANES, floats_load(columns + i * LANES) / sum);
    }
    for (int l = 0; l < rows; l++) {
        for (int i = 0; i < width; i++) { y[l * width + i] = columns[i * LANES + l]; }
    }
}

static inline void softmax_narrow(float *restrict y, const float *restrict x, int rows,
                                  int width) {
    #pragma omp parallel if ((size_t)rows * width > 32768)
    FOR_OWN(block, blocks_of(rows, LANES)) {
        size_t at = (size_t)block * LANES * width;
        int count = smaller(LANES, rows - block * LANES);
        if (width == 2) {
            softmax_narrow_rows(y + at, x + at, count, 2);
        } else {
            softmax_narrow_rows(y + at, x + at, count, width);
        }
    }
}

void softmax(float *restrict y, const float *restrict x, int rows, int width) {
    if (width < SOFTMAX_NARROW) {
        softmax_narrow(y, x, rows, width);
        return;
    }
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(r, rows) {
        softmax_row(y + (size_t)r * width, x + (size_t)r * width, width);
    }
}

static inline void softmax_row_gradient(float *restrict d_x, const float *restrict d_y,
                                        const float *restrict y, int width) {
    float mean = row_dot(d_y, y, width);
    for (int i = 0; i < width; i++) { d_x[i] = y[i] * (d_y[i] - mean); }
}

void softmax_gradient(float *restrict d_x, const float *restrict d_y,
                      const float *restrict y, int rows, int width) {
    #pragma omp parallel if ((size_t)rows * width > 16384)
    FOR_OWN(r, rows) {
        size_t at = (size_t)r * width;
        softmax_row_gradient(d_x + at, d_y + at, y + at, width);
    }
}
