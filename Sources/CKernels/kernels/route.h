// route.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ROUTE_H
#define KERNEL_ROUTE_H

#include "base.h"

// Gives every kept (token, choice) pair a row, sorted by expert and then by token, so that
// expert e owns the rows start[e] ..< start[e + 1]. Each expert keeps its first `capacity`
// tokens; a negative capacity keeps all.
//
//   indices [tokens, k]    ->    start [experts + 1]    source[row] = token
//                                slot [tokens, k] = row, or -1 where dropped
KERNEL void route(int32_t *restrict start, int32_t *restrict source, int32_t *restrict slot,
                  const int32_t *restrict indices, int tokens, int k, int experts,
                  int capacity) {
    int32_t *count = start + 1;
    int pairs = tokens * k;
    memset(start, 0, ((size_t)experts + 1) * sizeof *start);
    for (int p = 0; p < pairs; p++) {  // slot: the position within the expert, for now
        int e = indices[p];
        int kept = capacity < 0 || count[e] < capacity;
        slot[p] = kept ? count[e] : -1;
        count[e] += kept;
    }
    for (int e = 0; e < experts; e++) { start[e + 1] += start[e]; }
    for (int p = 0; p < pairs; p++) {
        if (slot[p] < 0) { continue; }
        slot[p] += start[indices[p]];
        source[slot[p]] = p / k;
    }
}

#endif
