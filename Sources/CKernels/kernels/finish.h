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

#endif
