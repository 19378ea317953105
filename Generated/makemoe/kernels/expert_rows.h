// expert_rows.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_EXPERT_ROWS_H
#define KERNEL_EXPERT_ROWS_H

#include "finish.h"
#include "product.h"

// The product prefetches what its last step will read; y is at element (row, column).
INLINE void fetch_operands(product *p, const finish_operands *operands, int row, int column) {
    if (!operands) { return; }
    const float *const all[] = {operands->x1, operands->x2, operands->x3};
    size_t first = (size_t)row * (size_t)operands->width + (size_t)column;
    for (int i = 0; i < 3 && all[i]; i++) { p->beside[p->besides++] = all[i] + first; }
    p->beside_panel = PANEL;
}

// The first expert after e that has rows, or `experts`.
INLINE int expert_after(const int32_t *start, int experts, int e) {
    do { e++; } while (e < experts && start[e] == start[e + 1]);
    return e;
}

#endif
