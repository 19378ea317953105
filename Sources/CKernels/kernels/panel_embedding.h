// panel_embedding.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_PANEL_EMBEDDING_H
#define KERNEL_PANEL_EMBEDDING_H

#include "panels.h"
#include "threads.h"

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

// embedding_gradient_added of a table in panels, as the head's products leave it.
//
//   d_table = others; d_table[ids[r], :] += d_y[r, :]
//
//   d_table, others [entries, width] in panels    d_y [rows, width]    ids [rows]
KERNEL void panel_embedding_gradient_added(float *d_table, const float *others,
                                           const float *restrict d_y,
                                           const int32_t *restrict ids, int rows, int width,
                                           int entries) {
    if (d_table != others) {
        memcpy(d_table, others, panels_size(entries, width) * sizeof *d_table);
    }
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(block, blocks_of(width, 16)) {
        int first = block * 16, end = width - first < 16 ? width : first + 16;
        for (int r = 0; r < rows; r++) {
            size_t id = (size_t)ids[r];
            float *entry = d_table + id / PANEL * PANEL * (size_t)width + id % PANEL;
            const float *from = d_y + (size_t)r * width;
            for (int c = first; c < end; c++) { entry[(size_t)c * PANEL] += from[c]; }
        }
    }
}

#endif
