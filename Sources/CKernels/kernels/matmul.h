// matmul.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_MATMUL_H
#define KERNEL_MATMUL_H

#include "product.h"

// Rows of c in one unit of work.
#define MATMUL_ROW_BLOCK 128

// panels = b[k ..< k + depth, column ..< column + columns], of one matrix of the batch
//
//   b [k, n], or [n, k] if transposed    ->    panels [TILE_PANELS, DEPTH_BLOCK, 16]
INLINE void matmul_panels(float *panels, const float *b, size_t n, size_t k_count, int k,
                          int depth, int column, int columns, int transposed) {
    for (int c = 0; c < columns; c += PANEL, panels += DEPTH_BLOCK * PANEL) {
        size_t first = (size_t)(column + c);
        int width = smaller(columns - c, PANEL);
        if (transposed) {
            panel_transpose(panels, b + first * k_count + (size_t)k, k_count, depth, width);
        } else {
            panel_copy(panels, b + (size_t)k * n + first, n, depth, width);
        }
    }
}

// c = a b      for each matrix of the batch
//
//   a [batch, m, k], or [batch, k, m] if transpose_a
//   b [batch, k, n], or [batch, n, k] if transpose_b    ->    c [batch, m, n]
KERNEL void matmul(float *restrict c, const float *restrict a, const float *restrict b,
                   int batch, int m, int n, int k, int transpose_a, int transpose_b) {
    int row_blocks = blocks_of(m, MATMUL_ROW_BLOCK);
    int column_blocks = blocks_of(n, TILE_COLUMNS);
    int blocks = batch * row_blocks * column_blocks;
    size_t a_row = transpose_a ? 1 : (size_t)k, a_k = transpose_a ? (size_t)m : 1;
    #pragma omp parallel if (blocks > 1)
    FOR_OWN(block, blocks) {
        size_t matrix = (size_t)(block / column_blocks / row_blocks);
        int column = block % column_blocks * TILE_COLUMNS;
        int row_block = block / column_blocks % row_blocks;
        int row = block_start(row_block, m, row_blocks);
        int rows = block_start(row_block + 1, m, row_blocks) - row;
        const float *a_block = a + matrix * (size_t)m * (size_t)k + (size_t)row * a_row;
        const float *b_block = b + matrix * (size_t)k * (size_t)n;
        float *c_block = c + (matrix * (size_t)m + (size_t)row) * (size_t)n + column;
        float panels[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
        for (int i = 0; i == 0 || i < k; i += DEPTH_BLOCK) {
            int depth = smaller(k - i, DEPTH_BLOCK);
            int columns = smaller(n - column, TILE_COLUMNS);
            matmul_panels(panels, b_block, (size_t)n, (size_t)k, i, depth, column, columns,
                          transpose_b);
            product p = {
                .y = c_block, .y_row = (size_t)n, .y_panel = PANEL,
                .x = a_block + (size_t)i * a_k, .x_row = transpose_a ? a_k : a_row,
                .w = panels, .w_panel = DEPTH_BLOCK * PANEL,
                .depth = depth, .columns = columns, .by_depth = transpose_a != 0,
                .accumulate = i > 0};
            product_rows(&p, rows);
        }
    }
}

#endif
