// expert_linear_weight_gradient.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_EXPERT_LINEAR_WEIGHT_GRADIENT_H
#define KERNEL_EXPERT_LINEAR_WEIGHT_GRADIENT_H

#include "adamw.h"
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

// One block of an expert's weight gradient: its operands at the block's first row, output
// (column) or input, and where it goes.
typedef struct {
    const float *d_y, *x;
    const int32_t *source;  // NULL, or the rows of x to read
    float *d_w, *d_b;       // d_b may be NULL
    size_t d_w_panel;       // floats from panel to panel of d_w
    int rows, columns, inputs, in, out;
    int besides;            // what AdamW changes, as `product` has it
    float *beside[3];
} gradient_block;

// d_w[:columns, :inputs] = d_y[:, :columns]^T x[:, :inputs]    d_b[:columns] = sum of d_y
//
//   d_y [rows, out]    x [rows, in], or [*, in] by way of source [rows]
//   ->    d_w in panels    d_b    columns <= TILE_COLUMNS
INLINE void weight_gradient_block(const gradient_block *b) {
    float packed[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
    size_t in = (size_t)b->in, out = (size_t)b->out;
    for (int r = 0; r == 0 || r < b->rows; r += DEPTH_BLOCK) {
        int depth = smaller(b->rows - r, DEPTH_BLOCK);
        for (int c = 0; c < b->columns; c += PANEL) {
            panel_copy(packed + c * DEPTH_BLOCK, b->d_y + (size_t)r * out + c, out, depth,
                       b->columns - c);
        }
        if (b->d_b) { column_sums(b->d_b, packed, depth, b->columns, r > 0); }
        product p = {.y = b->d_w, .y_row = PANEL, .y_panel = b->d_w_panel,
                     .x = b->source ? b->x : b->x + (size_t)r * in, .x_row = in,
                     .source = b->source ? b->source + r : NULL,
                     .w = packed, .w_panel = DEPTH_BLOCK * PANEL, .depth = depth,
                     .columns = blocks_of(b->columns, PANEL) * PANEL, .by_depth = 1,
                     .accumulate = r > 0, .besides = r > 0 ? 0 : b->besides,
                     .beside = {b->beside[0], b->beside[1], b->beside[2]},
                     .beside_panel = in * PANEL};
        product_rows(&p, b->inputs);
    }
}

// The same with AdamW behind it: the gradient, d_w in name only, never leaves the cache.
// While it is made, what AdamW will change comes from memory.
INLINE void weight_gradient_block_update(gradient_block b, const weight_update *u,
                                         size_t at, float step) {
    float gradient[TILE_COLUMNS * INPUT_BLOCK] __attribute__((aligned(64)));
    float *changed[3] = {u->value + at, u->first + at, u->second + at};
    b.d_w = gradient;
    b.d_w_panel = INPUT_BLOCK * PANEL;
    b.besides = 3;
    for (int i = 0; i < 3; i++) { b.beside[i] = changed[i]; }
    weight_gradient_block(&b);
    for (int panel = 0; panel * PANEL < b.columns; panel++) {
        size_t from = (size_t)panel * (size_t)b.in * PANEL;
        adamw_block(changed[0] + from, gradient + panel * INPUT_BLOCK * PANEL,
                    changed[1] + from, changed[2] + from, (size_t)b.inputs * PANEL, step,
                    &u->numbers);
    }
}

// d_w[e] = sum over the rows r of expert e of d_y[r, :]^T x[source[r], :]
// d_b[e] = sum over the rows r of expert e of d_y[r, :]            (d_b may be NULL)
//
//   d_y [rows, out]    x [*, in]    source [rows], or NULL: row r of x    start [experts + 1]
//   ->    d_w [experts, out, in] in panels    d_b [experts, out]
//
// Both are written whole: 0 for padding and for experts without rows. With an update (NULL:
// none), d_w is not: the weights of experts with rows make AdamW's step instead.
KERNEL void expert_linear_weight_gradient_gathered(
    float *restrict d_w, float *restrict d_b, const float *restrict d_y,
    const float *restrict x, const int32_t *restrict source, const int32_t *restrict start,
    int experts, int in, int out, const weight_update *update) {
    int input_blocks = blocks_of(in, INPUT_BLOCK);
    int blocks = blocks_of(out, TILE_COLUMNS) * input_blocks;  // of each expert
    int64_t total = (int64_t)blocks * (start[experts] + experts * BLOCK_OVERHEAD);
    work_shares left;
    deal_shares(&left);
    #pragma omp parallel if (experts * blocks > 1)
    for (int share; (share = take_share(&left)) >= 0;) {
        int64_t from = total * share / left.count, to = total * (share + 1) / left.count;
        for (int e = 0; e < experts; e++) {
            int64_t base = (int64_t)blocks * (start[e] + e * BLOCK_OVERHEAD);
            int rows = start[e + 1] - start[e];
            int64_t cost = (int64_t)blocks * (rows + BLOCK_OVERHEAD);
            if (base + cost <= from || base >= to) { continue; }
            int block = first_block(from - base, cost, blocks);
            int end = first_block(to - base, cost, blocks);
            for (; block < end; block++) {
                int o = block / input_blocks * TILE_COLUMNS, part = block % input_blocks;
                int i = block_start(part, in, input_blocks);
                size_t r = (size_t)start[e];
                size_t at = (size_t)e * panels_size(out, in) + (size_t)o * (size_t)in +
                            (size_t)i * PANEL;
                gradient_block b = {
                    .d_y = d_y + r * (size_t)out + o,
                    .x = source ? x + i : x + r * (size_t)in + i,
                    .source = source ? source + r : NULL, .d_w = d_w + at,
                    .d_b = d_b && i == 0 ? d_b + (size_t)e * (size_t)out + o : NULL,
                    .d_w_panel = (size_t)in * PANEL, .rows = rows,
                    .columns = smaller(out - o, TILE_COLUMNS),
                    .inputs = block_start(part + 1, in, input_blocks) - i, .in = in,
                    .out = out};
                if (update && update->value && rows > 0) {
                    weight_gradient_block_update(b, update, at, update->steps[e]);
                } else {
                    weight_gradient_block(&b);
                }
            }
        }
    }
}

// As above, row r of x belonging to row r of d_y.
KERNEL void expert_linear_weight_gradient(float *restrict d_w, float *restrict d_b,
                                          const float *restrict d_y,
                                          const float *restrict x,
                                          const int32_t *restrict start, int experts,
                                          int in, int out, const weight_update *update) {
    expert_linear_weight_gradient_gathered(d_w, d_b, d_y, x, NULL, start, experts, in, out,
                                           update);
}

#endif
