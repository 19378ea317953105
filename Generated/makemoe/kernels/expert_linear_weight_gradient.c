// expert_linear_weight_gradient.c: a kernel of moec's, the same for every model.

#include "expert_linear_weight_gradient.h"
#include "panels.h"
#include "product.h"

// Inputs in one block.
#define INPUT_BLOCK 128

// What an expert's block costs besides its rows, in rows.
#define BLOCK_OVERHEAD 16

// panels[c / 16][k, c % 16] = rows[k, c], and the sum of each column onto sums[c], or in its
// place unless `accumulate`
//
//   rows [depth, stride]    panels [columns / 16, DEPTH_BLOCK, 16]    sums may be NULL
INLINE void pack_and_sum(float *panels, float *sums, const float *rows, size_t stride,
                         int depth, int columns, int accumulate) {
    const int vectors = TILE_COLUMNS / LANES;
    floats sum[TILE_COLUMNS / LANES];
    UNROLL for (int v = 0; v < vectors; v++) {
        sum[v] = sums && accumulate ? floats_load_some(sums + v * LANES, columns - v * LANES)
                                    : (floats){0};
    }
    for (int k = 0; k < depth; k++, rows += stride, panels += PANEL) {
        UNROLL for (int v = 0; v < vectors; v++) {
            floats x = floats_load_some(rows + v * LANES, columns - v * LANES);
            floats_store(panels + tile_at(0, DEPTH_BLOCK * PANEL, 0, v), x);
            sum[v] += x;
        }
    }
    UNROLL for (int v = 0; sums && v < vectors; v++) {
        floats_store_some(sums + v * LANES, sum[v], columns - v * LANES);
    }
}

// One block of an expert's weight gradient: its operands at the block's first row, output
// (column) or input, and where it goes.
typedef struct {
    const float *d_y, *x;
    const int32_t *source;  // NULL, or the rows of x to read
    float *d_w, *d_b;       // d_b may be NULL
    size_t place;           // of the block among all weights
    int output;             // its first
    size_t d_w_panel;       // floats from panel to panel of d_w
    int rows, columns, inputs, in, out;
    adamw_work *adamw;      // NULL, or what is made besides
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
        pack_and_sum(packed, b->d_b, b->d_y + (size_t)r * out, out, depth, b->columns,
                     r > 0);
        product p = {.y = b->d_w, .y_row = PANEL, .y_panel = b->d_w_panel,
                     .x = b->source ? b->x : b->x + (size_t)r * in, .x_row = in,
                     .source = b->source ? b->source + r : NULL,
                     .w = packed, .w_panel = DEPTH_BLOCK * PANEL, .depth = depth,
                     .columns = blocks_of(b->columns, PANEL) * PANEL, .by_depth = 1,
                     .accumulate = r > 0, .adamw = b->adamw};
        product_rows(&p, b->inputs);
    }
}

// The last block whose gradient a thread has made, while AdamW's step with it is not: that
// is made along with the gradient of the next block, which has another place for it.
typedef struct {
    adamw_work adamw;
    int place;
    float gradient[2][TILE_COLUMNS * INPUT_BLOCK] __attribute__((aligned(64)));
} last_gradient;

// A block's gradient, d_w in name only, for AdamW: it never leaves the cache.
INLINE void weight_gradient_block_update(gradient_block b, const weight_update *u,
                                         const adamw_factors *factors,
                                         last_gradient *last) {
    float *gradient = last->gradient[last->place];
    int tiles = blocks_of(b.inputs, TILE_ROWS) * blocks_of(b.rows, DEPTH_BLOCK);
    last->adamw.turns = blocks_of(blocks_of(TILE_COLUMNS * INPUT_BLOCK, ADAMW_TURN), tiles);
    b.d_w = gradient;
    b.d_w_panel = INPUT_BLOCK * PANEL;
    b.adamw = &last->adamw;
    weight_gradient_block(&b);
    adamw_finish(&last->adamw);
    last->place = !last->place;
    last->adamw = (adamw_work){
        .value = u->value + b.place, .first = u->first + b.place,
        .second = u->second + b.place, .gradient = gradient,
        .left = b.inputs * PANEL, .panels = blocks_of(b.columns, PANEL) - 1,
        .each = b.inputs * PANEL, .skip = (size_t)(b.in - b.inputs) * PANEL,
        .gradient_skip = (size_t)(INPUT_BLOCK - b.inputs) * PANEL, .factors = *factors};
}

// Block `block` of expert e: columns of d_y go by first, blocks of inputs second.
INLINE gradient_block block_of_expert(const gradient_layer *l, int e, int block) {
    int input_blocks = blocks_of(l->in, INPUT_BLOCK), part = block % input_blocks;
    int o = block / input_blocks * TILE_COLUMNS, i = block_start(part, l->in, input_blocks);
    size_t in = (size_t)l->in, out = (size_t)l->out, r = (size_t)l->start[e];
    return (gradient_block){
        .d_y = l->d_y + r * out + o,
        .x = l->source ? l->x + i : l->x + r * in + i,
        .source = l->source ? l->source + r : NULL,
        .output = o,
        .place = (size_t)e * panels_size(l->out, l->in) + (size_t)o * in + (size_t)i * PANEL,
        .d_w = l->d_w, .d_b = l->d_b && i == 0 ? l->d_b + (size_t)e * out + o : NULL,
        .d_w_panel = in * PANEL, .rows = l->start[e + 1] - l->start[e],
        .columns = smaller(l->out - o, TILE_COLUMNS),
        .inputs = block_start(part + 1, l->in, input_blocks) - i, .in = l->in,
        .out = l->out};
}

// The update of the matrix in which the float at `place` lies.
INLINE const weight_update *update_at(const gradient_layer *l, size_t place) {
    const weight_update *u = l->updates;
    for (int next = 1; next < l->joined; next++) {
        u = l->updates[next].value <= l->updates->value + place ? l->updates + next : u;
    }
    return u;
}

// The columns of a block that lie in the same matrix as its first: a block may hold outputs of
// two.
INLINE int columns_of_matrix(const gradient_layer *l, const gradient_block *b) {
    int c = b->columns;
    for (int next = PANEL; next < b->columns && c == b->columns; next += PANEL) {
        size_t place = b->place + (size_t)next * (size_t)l->in;
        c = update_at(l, place) == update_at(l, b->place) ? c : next;
    }
    return c;
}

// The block from one of its columns on.
INLINE gradient_block block_from(gradient_block b, int column) {
    b.d_y += column;
    b.d_b = b.d_b ? b.d_b + column : NULL;
    b.output += column;
    b.columns -= column;
    b.place += (size_t)column * (size_t)b.in;
    return b;
}

// Blocks first ..< end of expert e.
INLINE void expert_blocks(const gradient_layer *l, int e, int first, int end,
                          last_gradient *last) {
    const weight_update *all = l->updates, *u = NULL;
    int with_adamw = all && all->value && l->start[e + 1] > l->start[e];
    adamw_factors factors;
    for (int block = first; block < end; block++) {
        gradient_block b = block_of_expert(l, e, block);
        if (!with_adamw) {
            b.d_w += b.place;
            weight_gradient_block(&b);
            continue;
        }
        for (int columns; b.columns > 0; b = block_from(b, columns)) {
            gradient_block own = b;
            own.columns = columns = columns_of_matrix(l, &b);
            if (u != update_at(l, b.place)) {
                u = update_at(l, b.place);
                factors = adamw_factors_of(&u->numbers, u->steps[e]);
            }
            weight_gradient_block_update(own, all, &factors, last);
        }
    }
}

// The calling thread's shares of all of it.
INLINE void take_weight_gradients(const gradient_layer *l, work_shares *left) {
    int blocks = blocks_of(l->out, TILE_COLUMNS) * blocks_of(l->in, INPUT_BLOCK);  // each
    int64_t total = (int64_t)blocks * (l->start[l->experts] + l->experts * BLOCK_OVERHEAD);
    last_gradient last;
    last.place = last.adamw.left = 0;
    for (share_range s; take_shares(left, &s);) {
        int64_t from = total * s.first / left->count, to = total * s.end / left->count;
        for (int e = 0; e < l->experts; e++) {
            int64_t base = (int64_t)blocks * (l->start[e] + e * BLOCK_OVERHEAD);
            int64_t cost = (int64_t)blocks * (l->start[e + 1] - l->start[e] + BLOCK_OVERHEAD);
            if (base + cost <= from || base >= to) { continue; }
            expert_blocks(l, e, first_block(from - base, cost, blocks),
                          first_block(to - base, cost, blocks), &last);
        }
    }
    adamw_finish(&last.adamw);
}

void weight_gradients(const gradient_layer *l, work_shares *shares) {
    if (shares) {
        take_weight_gradients(l, shares);
        return;
    }
    work_shares own;
    deal_shares(&own, 1);
    #pragma omp parallel if (l->experts * l->out > TILE_COLUMNS || l->in > INPUT_BLOCK)
    take_weight_gradients(l, &own);
}
