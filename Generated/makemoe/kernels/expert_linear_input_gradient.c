// expert_linear_input_gradient.c: a kernel of moec's, the same for every model.

#include "expert_linear_input_gradient.h"
#include "expert_rows.h"
#include "panels.h"
#include "shares.h"

// Rows in one block: they share the weights that are turned for them.
#define GRADIENT_ROW_BLOCK 256

// Widest block of columns of d_x, in tiles.
#define GRADIENT_TILES 4

// Depth of the panels of turned weights.
INLINE int turned_depth(int out) {
    return blocks_of(smaller(out, DEPTH_BLOCK), PANEL) * PANEL;
}

// Columns in one block: as many as have room for their turned weights, so that a short sum is
// made of several tiles one after the other.
INLINE int gradient_columns(int out) {
    int tiles = DEPTH_BLOCK / larger(turned_depth(out), PANEL);
    return smaller(tiles, GRADIENT_TILES) * TILE_COLUMNS;
}

// Of the weights [out, in] of one expert, those that are turned at a time: w[o:, i:].
INLINE ahead turned_ahead(const float *w, int o, int i, int in, int out) {
    return (ahead){.x = w + (size_t)o * (size_t)in + (size_t)i * PANEL,
                   .x_row = (size_t)in * PANEL,
                   .rows = blocks_of(smaller(out - o, DEPTH_BLOCK), PANEL),
                   .lines = smaller(in - i, gradient_columns(out))};
}

// turned[c / 16][k, c % 16] = w[o + k, i + c]      for k < depth, c < columns
//
//   w [out, in] in panels    turned [columns / 16, turned_depth(out), 16]
INLINE void turn_weights(float *turned, const float *w, int o, int i, int depth, int columns,
                         int in, int out) {
    for (int k = 0; k < depth; k += PANEL) {
        const float *panel = w + (size_t)(o + k) * (size_t)in + (size_t)i * PANEL;
        for (int c = 0; c < columns; c += PANEL) {
            panel_transpose(turned + c * turned_depth(out) + k * PANEL, panel + c * PANEL, PANEL,
                            PANEL, smaller(columns - c, PANEL));
        }
    }
}

// Layers whose gradients add up: a d_x of all of them, each of a d_y of its own.
typedef struct {
    float *d_x;
    const gradient_part *parts;
    int count;
    const int32_t *start;
    int experts, in, out;
    finish_block finish;    // may be NULL
    const finish_operands *operands;
} backward_layer;

// The weights of a part for expert e.
INLINE const float *backward_weights(const backward_layer *l, int part, int e) {
    return l->parts[part].w + (size_t)e * panels_size(l->out, l->in);
}

// Of these weights, those that are turned at a time: w[o:, i:]; none of an expert after the last.
INLINE ahead part_ahead(const backward_layer *l, int part, int e, int o, int i) {
    if (e >= l->experts) { return (ahead){0}; }
    return turned_ahead(backward_weights(l, part, e), o, i, l->in, l->out);
}

// p->y = the sum over the parts of d_y w[:, i:]      of one expert
//
//   d_y [rows, out] from row r on    w [out, in] in panels
//   p->y: d_x [rows, in], columns i ..< i + p->columns
//
// The sum runs over outputs, so that w is turned into panels of inputs just before its use.
// While it is used, what is turned next comes from memory: at the end that is `next`.
INLINE void input_gradient_columns(product *p, const backward_layer *l, int e, int r, int rows,
                                   int i, ahead next) {
    float turned[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
    ahead soon[2] = {{0}, {0}};
    p->soon = soon;
    p->w = turned;
    p->w_panel = (size_t)turned_depth(l->out) * PANEL;
    for (int part = 0; part < l->count; part++) {
        const float *w = backward_weights(l, part, e);
        p->x = l->parts[part].d_y + (size_t)r * (size_t)l->out;
        for (int o = 0; o == 0 || o < l->out; o += DEPTH_BLOCK, p->x += DEPTH_BLOCK) {
            p->depth = smaller(l->out - o, DEPTH_BLOCK);
            p->accumulate = part > 0 || o > 0;
            soon[1] = o + DEPTH_BLOCK < l->out ? part_ahead(l, part, e, o + DEPTH_BLOCK, i)
                      : part + 1 < l->count    ? part_ahead(l, part + 1, e, 0, i)
                                               : next;
            turn_weights(turned, w, o, i, p->depth, p->columns, l->in, l->out);
            product_rows(p, rows);
        }
    }
}

// One block of expert e: some of its rows times gradient_columns of d_x. Columns go by
// first, rows second.
INLINE void input_gradient_block(const backward_layer *l, int e, int block, int row_blocks) {
    size_t in = (size_t)l->in;
    int wide = gradient_columns(l->out), columns = blocks_of(l->in, wide);
    int part = block / columns, i = block % columns * wide;
    int count = l->start[e + 1] - l->start[e];
    int r = l->start[e] + block_start(part, count, row_blocks);
    int rows = l->start[e] + block_start(part + 1, count, row_blocks) - r;
    int e_next = block + 1 < row_blocks * columns ? e : expert_after(l->start, l->experts, e);
    int i_next = i + wide < l->in ? i + wide : 0;
    float *y = l->d_x + (size_t)r * in + i;
    product p = {.y = y, .y_row = in, .y_panel = PANEL, .x_row = (size_t)l->out,
                 .columns = smaller(l->in - i, wide),
                 .x_rows = i == 0 ? l->start[l->experts] - r : 0};
    fetch_operands(&p, l->operands, r, i);
    input_gradient_columns(&p, l, e, r, rows, i, part_ahead(l, 0, e_next, 0, i_next));
    if (l->finish) { l->finish(l->operands, y, r, rows, i, p.columns); }
}

// The calling thread's shares of all blocks, counted in rows.
INLINE void take_backward_blocks(const backward_layer *l, work_shares *left) {
    int columns = blocks_of(l->in, gradient_columns(l->out)), total = l->start[l->experts];
    for (share_range s; take_shares(left, &s);) {
        int64_t from = (int64_t)total * s.first / left->count;
        int64_t to = (int64_t)total * s.end / left->count;
        for (int e = 0; e < l->experts && l->start[e] < to; e++) {
            int first = l->start[e], count = l->start[e + 1] - first;
            if (first + count <= from) { continue; }
            int row_blocks = blocks_of(count, GRADIENT_ROW_BLOCK);
            int blocks = row_blocks * columns, end = first_block(to - first, count, blocks);
            for (int b = first_block(from - first, count, blocks); b < end; b++) {
                input_gradient_block(l, e, b, row_blocks);
            }
        }
    }
}

void expert_linear_input_gradient_parts(
    float *d_x, const gradient_part *parts, int count, const int32_t *start, int experts,
    int in, int out, finish_block finish, const finish_operands *operands) {
    backward_layer l = {d_x, parts, count, start, experts, in, out, finish, operands};
    work_shares left;
    deal_shares(&left, 1);
    #pragma omp parallel if (start[experts] > TILE_ROWS || blocks_of(in, gradient_columns(out)) > 1)
    take_backward_blocks(&l, &left);
}

void expert_linear_input_gradient_finished(
    float *d_x, const float *d_y, const float *w, const int32_t *start, int experts, int in,
    int out, finish_block finish, const finish_operands *operands) {
    const gradient_part part = {d_y, w};
    expert_linear_input_gradient_parts(d_x, &part, 1, start, experts, in, out, finish, operands);
}

void expert_linear_input_gradient(float *d_x, const float *d_y, const float *w,
                                  const int32_t *start, int experts, int in, int out) {
    expert_linear_input_gradient_finished(d_x, d_y, w, start, experts, in, out, NULL, NULL);
}
