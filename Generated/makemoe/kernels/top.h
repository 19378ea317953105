// top.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_TOP_H
#define KERNEL_TOP_H

#include "gather.h"

// The k largest logits of each row. Among equals the lower index wins; the chosen are listed
// in ascending order of expert. NaN counts as larger than every number. In a replay the indices
// are given, and only their logits are looked up.
//
//   logits [rows, experts], k <= experts <= 65536    ->    values, indices [rows, k]
EXTERN void top(float *restrict values, int32_t *restrict indices,
                const float *restrict logits, int rows, int experts, int k, int replays);

#endif
