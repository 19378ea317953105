// finish.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_FINISH_H
#define KERNEL_FINISH_H

#include "base.h"

// What the last step of a product reads beside the product: tensors of its shape, and the
// numbers of its dropouts.
typedef struct {
    int width;                  // of the result and of these tensors
    const float *x1, *x2, *x3;  // NULL: not there
    double rate[2];
    uint64_t key[2];
} finish_operands;

// Called with each block of a result just after it is made, by the thread that made it: y is
// at element (row, column), rows of y are as far apart as the result is wide. How a result is
// cut into blocks depends on shapes and routing alone.
typedef void (*finish_block)(const finish_operands *q, float *y, int row, int rows,
                             int column, int columns);

// FINISH(name, value) defines one: y becomes the value, in which y is the element of the product,
// i its index in the result and in the tensors x1, x2, x3. KEEP(n) is what dropout n multiplies it
// with, NOISE(n) a number of its own.
#define FINISH(name, value)                                                               \
    static void name(const finish_operands *q, float *block, int row, int rows,           \
                     int column, int columns) {                                           \
        const float *x1 = q->x1, *x2 = q->x2, *x3 = q->x3;                                \
        (void)x1, (void)x2, (void)x3;                                                     \
        for (int r = 0; r < rows; r++) {                                                  \
            const size_t first = (size_t)(row + r) * q->width + column;                   \
            float *block_r = block + (size_t)r * q->width;                                \
            _Pragma("omp simd")                                                           \
            for (int c = 0; c < columns; c++) {                                           \
                const size_t i = first + c;                                               \
                const float y = block_r[c];                                               \
                (void)i, (void)y;                                                         \
                block_r[c] = (value);                                                     \
            }                                                                             \
        }                                                                                 \
    }

#define KEEP(n) dropout_keep(q->key[n], (uint32_t)i, q->rate[n])
#define NOISE(n) random_normal(q->key[n], (uint32_t)i)

#endif
