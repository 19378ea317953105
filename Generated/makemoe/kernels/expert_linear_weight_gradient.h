// expert_linear_weight_gradient.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_EXPERT_LINEAR_WEIGHT_GRADIENT_H
#define KERNEL_EXPERT_LINEAR_WEIGHT_GRADIENT_H

#include "product.h"

// Inputs in one block.
#define INPUT_BLOCK 128

// What an expert's block costs besides its rows, in rows.
#define BLOCK_OVERHEAD 16

// sums[c] = sum over k < depth of panels[c / 16][k, c % 16], onto sums itself if `accumulate`
//
//   panels [TILE_PANELS, DEPTH_BLOCK, 16]
INLINE void column_sums(float *sums, const float *panels, int depth, int columns,
                        int accumulate) {
    for (int c = 0; c < columns; c += LANES) {
        const float *panel = panels + c / PANEL * DEPTH_BLOCK * PANEL + c % PANEL;
        floats sum = accumulate ? floats_load_some(sums + c, columns - c) : (floats){0};
        for (int k = 0; k < depth; k++) { sum += floats_load(panel + k * PANEL); }
        floats_store_some(sums + c, sum, columns - c);
    }
}

// d_w[:columns, :inputs] = d_y[:, :columns]^T x[:, :inputs]    d_b[:columns] = sum of d_y
//
// of one expert; every pointer is at the block's first row, column or input.
//
//   d_y [rows, out]    x [rows, in], or [*, in] by way of source [rows]
//   ->    d_w [out, in] in panels    d_b, may be NULL    columns <= TILE_COLUMNS
INLINE void weight_gradient_block(float *restrict d_w, float *restrict d_b,
                                  const float *restrict d_y, const float *restrict x,
                                  const int32_t *restrict source, int rows, int columns,
                                  int inputs, int in, int out) {
    float packed[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
    for (int r = 0; r == 0 || r < rows; r += DEPTH_BLOCK) {
        int depth = smaller(rows - r, DEPTH_BLOCK);
        for (int c = 0; c < columns; c += PANEL) {
            panel_copy(packed + c * DEPTH_BLOCK, d_y + (size_t)r * (size_t)out + c,
                       (size_t)out, depth, columns - c);
        }
        if (d_b) { column_sums(d_b, packed, depth, columns, r > 0); }
        product p = {.y = d_w, .y_row = PANEL, .y_panel = (size_t)in * PANEL,
                     .x = source ? x : x + (size_t)r * (size_t)in, .x_row = (size_t)in,
                     .source = source ? source + r : NULL,
                     .w = packed, .w_panel = DEPTH_BLOCK * PANEL, .depth = depth,
                     .columns = blocks_of(columns, PANEL) * PANEL, .by_depth = 1,
                     .accumulate = r > 0};
        product_rows(&p, inputs);
    }
}

// d_w[e] = sum over the rows r of expert e of d_y[r, :]^T x[source[r], :]
// d_b[e] = sum over the rows r of expert e of d_y[r, :]            (d_b may be NULL)
//
//   d_y [rows, out]    x [*, in]    source [rows], or NULL: row r of x    start [experts + 1]
//   ->    d_w [experts, out, in] in panels    d_b [experts, out]
//
// Both are written whole: 0 for padding and for experts without rows.
KERNEL void expert_linear_weight_gradient_gathered(
    float *restrict d_w, float *restrict d_b, const float *restrict d_y,
    const float *restrict x, const int32_t *restrict source, const int32_t *restrict start,
    int experts, int in, int out) {
    int input_blocks = blocks_of(in, INPUT_BLOCK);
    int blocks = blocks_of(out, TILE_COLUMNS) * input_blocks;  // of each expert
    int64_t total = (int64_t)blocks * (start[experts] + experts * BLOCK_OVERHEAD);
    #pragma omp parallel for schedule(static) if (experts * blocks > 1)
    for (int share = 0; share < SHARES; share++) {
        int64_t from = total * share / SHARES, to = total * (share + 1) / SHARES;
        for (int e = 0; e < experts; e++) {
            int64_t base = (int64_t)blocks * (start[e] + e * BLOCK_OVERHEAD);
            int rows = start[e + 1] - start[e];
            int64_t cost = (int64_t)blocks * (rows + BLOCK_OVERHEAD);
            int block = first_block(from - base, cost, blocks);
            int end = first_block(to - base, cost, blocks);
            for (; block < end; block++) {
                int o = block / input_blocks * TILE_COLUMNS, part = block % input_blocks;
                int i = block_start(part, in, input_blocks);
                int i_end = block_start(part + 1, in, input_blocks);
                size_t r = (size_t)start[e];
                weight_gradient_block(
                    d_w + (size_t)e * panels_size(out, in) + (size_t)o * (size_t)in +
                        i * PANEL,
                    d_b && i == 0 ? d_b + (size_t)e * (size_t)out + o : NULL,
                    d_y + r * (size_t)out + o, source ? x + i : x + r * (size_t)in + i,
                    source ? source + r : NULL, rows, smaller(out - o, TILE_COLUMNS),
                    i_end - i, in, out);
            }
        }
    }
}

// As above, row r of x belonging to row r of d_y.
KERNEL void expert_linear_weight_gradient(float *restrict d_w, float *restrict d_b,
                                          const float *restrict d_y, const float *restrict x,
                                          const int32_t *restrict start, int experts, int in,
                                          int out) {
    expert_linear_weight_gradient_gathered(d_w, d_b, d_y, x, NULL, start, experts, in, out);
}

#endif
