// elementwise.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ELEMENTWISE_H
#define KERNEL_ELEMENTWISE_H

#include "threads.h"

// ELEMENTWISE(name, value, arguments) defines a function that sets y[i] to the value, for each i of
// `count`, which is one of the arguments behind y.
#define ELEMENTWISE(name, value, ...)                                                     \
    static void name(float *y, __VA_ARGS__) {                                             \
        _Pragma("omp parallel if (count > 8192)")                                         \
        FOR_OWN(block, blocks_of(count, 4096)) {                                          \
            const int first = 4096 * block, end = smaller(count, first + 4096);           \
            _Pragma("omp simd")                                                           \
            for (int i = first; i < end; i++) { y[i] = (value); }                         \
        }                                                                                 \
    }

// The same where rows and columns are told apart: i is the index of (r, c), of `rows` and `width`.
#define ELEMENTWISE_ROWS(name, value, ...)                                                \
    static void name(float *y, __VA_ARGS__) {                                             \
        _Pragma("omp parallel if (rows * width > 8192)")                                  \
        FOR_OWN(r, rows) {                                                                \
            const int first = r * width;                                                  \
            _Pragma("omp simd")                                                           \
            for (int c = 0; c < width; c++) {                                             \
                const int i = first + c;                                                  \
                (void)i;                                                                  \
                y[i] = (value);                                                           \
            }                                                                             \
        }                                                                                 \
    }

#endif
