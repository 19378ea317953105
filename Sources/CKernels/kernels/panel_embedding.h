// panel_embedding.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_PANEL_EMBEDDING_H
#define KERNEL_PANEL_EMBEDDING_H

#include "panels.h"

// Looks rows up in a table that is in panels (panels.h), as products read it: entries are its outputs.
//
//   y[r, :] = table[ids[r], :]
//
//   table [entries, width] in panels    ids [rows]    ->    y [rows, width]
KERNEL void panel_embedding(float *restrict y, const float *restrict table,
                            const int32_t *restrict ids, int rows, int width) {
    for (int r = 0; r < rows; r++) {
        size_t id = (size_t)ids[r];
        const float *entry = table + id / PANEL * PANEL * (size_t)width + id % PANEL;
        for (int c = 0; c < width; c++) { y[(size_t)r * width + c] = entry[(size_t)c * PANEL]; }
    }
}

#endif
