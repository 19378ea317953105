// embedding.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_EMBEDDING_H
#define KERNEL_EMBEDDING_H

#include "threads.h"
#include "rows.h"

// Looks rows up in a table. Ids must lie in the table: the model checks its tokens at the
// entry.
//
//   y[r, :] = table[ids[r], :]
//
//   table [entries, width]    ids [rows]    ->    y [rows, width]
KERNEL void embedding(float *restrict y, const float *restrict table,
                      const int32_t *restrict ids, int rows, int width) {
    for (int r = 0; r < rows; r++) {
        const float *entry = table + (size_t)ids[r] * width;
        memcpy(y + (size_t)r * width, entry, (size_t)width * sizeof *y);
    }
}

// Adds rows to those of a table that have their ids. Blocks of 16 columns are shared out, and each adds
// the rows in order.
//
//   d_table[ids[r], :] += d_y[r, :]
static inline void add_rows_by_id(float *restrict d_table, const float *restrict d_y,
                                  const int32_t *restrict ids, int rows, int width) {
    #pragma omp parallel if ((size_t)rows * width > 4096)
    FOR_OWN(block, blocks_of(width, 16)) {
        int c = block * 16;
        int columns = width - c < 16 ? width - c : 16;
        for (int r = 0; r < rows; r++) {
            float *to = d_table + (size_t)ids[r] * width + c;
            const float *from = d_y + (size_t)r * width + c;
            if (columns == 16) {
                *row_at(to) += *row_at_const(from);
            } else {
                for (int l = 0; l < columns; l++) { to[l] += from[l]; }
            }
        }
    }
}

// Gradient of the table, written whole: entries that do not occur get 0.
//
//   d_table[ids[r], :] += d_y[r, :]
KERNEL void embedding_gradient(float *restrict d_table, const float *restrict d_y,
                               const int32_t *restrict ids, int rows, int width,
                               int entries) {
    memset(d_table, 0, (size_t)entries * width * sizeof *d_table);
    add_rows_by_id(d_table, d_y, ids, rows, width);
}

// Gradient of a table that something else reads too, whose share of it is `others`; d_table may be
// where that lies.
//
//   d_table = others; d_table[ids[r], :] += d_y[r, :]
KERNEL void embedding_gradient_added(float *d_table, const float *others, const float *d_y,
                                     const int32_t *ids, int rows, int width, int entries) {
    if (d_table != others) {
        memcpy(d_table, others, (size_t)entries * width * sizeof *d_table);
    }
    add_rows_by_id(d_table, d_y, ids, rows, width);
}

#endif
