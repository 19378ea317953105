// targets.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_TARGETS_H
#define KERNEL_TARGETS_H

#include "base.h"

// A target below 0 is ignored: nothing is learned from its row, and no mean over tokens has it.

// How many targets are not ignored.
static inline int count_targets(const int32_t *restrict targets, int count) {
    int counted = 0;
    for (int i = 0; i < count; i++) { counted += targets[i] >= 0; }
    return counted;
}

// Which targets are not ignored.
//
//   targets [count]    ->    y [count]
KERNEL void counted_targets(float *restrict y, const int32_t *restrict targets, int count) {
    for (int i = 0; i < count; i++) { y[i] = targets[i] >= 0; }
}

#endif
