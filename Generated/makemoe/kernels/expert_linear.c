// expert_linear.c: a kernel of moec's, the same for every model.

#include "expert_linear.h"
#include "panels.h"
#include "product.h"
#include "shares.h"

// A linear layer with one matrix per expert over rows sorted by expert, in either direction:
// y from x, or d_x (as y) from d_y (as x).
typedef struct {
    float *y;
    const float *x;
    const int32_t *source;  // NULL, or the rows of x to read
    const float *w, *b;     // b may be NULL
    const int32_t *start;   // expert e owns rows start[e] ..< start[e + 1]
    int experts, in, out;
    finish_block finish;    // may be NULL
    const finish_operands *operands;
} expert_layer;

// The product prefetches what its last step will read; y is at element (row, column).
INLINE void fetch_operands(product *p, const expert_layer *l, int row, int column) {
    if (!l->operands) { return; }
    const float *const all[] = {l->operands->x1, l->operands->x2, l->operands->x3};
    size_t first = (size_t)row * (size_t)l->operands->width + (size_t)column;
    for (int i = 0; i < 3 && all[i]; i++) { p->beside[p->besides++] = all[i] + first; }
    p->beside_panel = PANEL;
}

// The first expert after e that has rows, or `experts`.
INLINE int expert_after(const expert_layer *l, int e) {
    do { e++; } while (e < l->experts && l->start[e] == l->start[e + 1]);
    return e;
}

// Floats of weights in one block of columns of the forward product: the second cache keeps
// them, beside the next ones on their way.
#define WEIGHT_BLOCK 65536

// Columns in one block.
INLINE int forward_columns(int in) {
    return larger(WEIGHT_BLOCK / larger(in, 1) / TILE_COLUMNS, 1) * TILE_COLUMNS;
}

// The weights that are used after those of a block of columns of expert e: the tile-th of
// `tiles` equal parts of them.
INLINE ahead forward_ahead(const expert_layer *l, int e, int column, int tile, int tiles) {
    int wide = forward_columns(l->in);
    column += wide;
    if (column >= l->out) {
        e = expert_after(l, e);
        column = 0;
    }
    int lines = l->in * blocks_of(smaller(l->out - column, wide), PANEL);
    return (ahead){.x = l->w + (size_t)e * panels_size(l->out, l->in) +
                        (size_t)column * (size_t)l->in,
                   .rows = e < l->experts,
                   .line = block_start(tile, lines, tiles),
                   .lines = block_start(tile + 1, lines, tiles)};
}

// Weights that nobody prefetched are read beforehand where so many tiles of rows or more use them.
#define COLD_TILES 5

// Reads the weights of a block of columns of expert e, a line after the other.
//
// A tile uses up two lines with every step of its sums. Where nobody prefetched them, the first
// tile of rows takes three times as long as the others; read in their own order they come as
// fast as memory gives them.
INLINE void read_weights(const expert_layer *l, int e, int column) {
    const float *w = l->w + (size_t)e * panels_size(l->out, l->in) +
                     (size_t)column * (size_t)l->in;
    int columns = smaller(l->out - column, forward_columns(l->in));
    size_t count = (size_t)l->in * (size_t)(blocks_of(columns, PANEL) * PANEL);
    for (size_t i = 0; i < count; i += PANEL) { (void)*(const volatile float *)(w + i); }
}

// One block of expert e: a tile of its rows times a block of columns. cold: its weights were
// not prefetched while another block was made.
//
// Tiles of rows go by first, blocks of columns second, so that the weights of a block stay in
// the second cache. While a tile is made, the rows of the next one and an equal part of the
// next block's weights come from memory.
INLINE void forward_block(const expert_layer *l, int e, int block, int cold) {
    size_t in = (size_t)l->in, out = (size_t)l->out;
    int count = l->start[e + 1] - l->start[e], tiles = blocks_of(count, TILE_ROWS);
    int tile = block % tiles, column = block / tiles * forward_columns(l->in);
    int r = l->start[e] + block_start(tile, count, tiles);
    int rows = l->start[e] + block_start(tile + 1, count, tiles) - r;
    ahead soon[2] = {{0}, forward_ahead(l, e, column, tile, tiles)};
    product p = {.y = l->y + (size_t)r * out + column, .y_row = out, .y_panel = PANEL,
                 .x = l->source ? l->x : l->x + (size_t)r * in, .x_row = in,
                 .source = l->source ? l->source + r : NULL,
                 .w = l->w + (size_t)e * panels_size(l->out, l->in) + (size_t)column * in,
                 .w_panel = in * PANEL,
                 .bias = l->b ? l->b + (size_t)e * out + column : NULL,
                 .depth = l->in, .columns = smaller(l->out - column, forward_columns(l->in)),
                 .soon = soon, .x_rows = column == 0 ? l->start[l->experts] - r : 0};
    fetch_operands(&p, l, r, column);
    if (cold && tiles >= COLD_TILES) { read_weights(l, e, column); }
    product_rows(&p, rows);
    if (l->finish) { l->finish(l->operands, p.y, r, rows, column, p.columns); }
}

// The calling thread's shares of all blocks, counted in rows times blocks of columns: a few
// rows, as in generation, are shared too, where their weights take longer to read than other
// threads to begin.
INLINE void take_forward_blocks(const expert_layer *l, work_shares *left) {
    int column_blocks = blocks_of(l->out, forward_columns(l->in)), made = -1;
    int64_t all = (int64_t)l->start[l->experts] * column_blocks;
    for (share_range s; take_shares(left, &s); made = s.end) {
        int64_t from = all * s.first / left->count, to = all * s.end / left->count;
        int cold = s.first != made;
        for (int e = 0; e < l->experts; e++) {
            int64_t first = (int64_t)l->start[e] * column_blocks;
            int64_t cost = (int64_t)l->start[e + 1] * column_blocks - first;
            if (first + cost <= from || first >= to) { continue; }
            int blocks = blocks_of(l->start[e + 1] - l->start[e], TILE_ROWS) * column_blocks;
            int end = first_block(to - first, cost, blocks);
            for (int b = first_block(from - first, cost, blocks); b < end; b++) {
                forward_block(l, e, b, cold);
                cold = 0;
            }
        }
    }
}

void expert_linear_finished(float *y, const float *x, const int32_t *source,
                            const float *w, const float *b, const int32_t *start,
                            int experts, int in, int out, finish_block finish,
                            const finish_operands *operands) {
    expert_layer l = {y, x, source, w, b, start, experts, in, out, finish, operands};
    work_shares left;
    deal_shares(&left, 1);
    #pragma omp parallel if (start[experts] > TILE_ROWS || \
                             (start[experts] * blocks_of(out, forward_columns(in)) > 1 && \
                              (int64_t)in * out >= 16384))
    take_forward_blocks(&l, &left);
}

void expert_linear_gathered(float *y, const float *x, const int32_t *source,
                            const float *w, const float *b, const int32_t *start,
                            int experts, int in, int out) {
    expert_linear_finished(y, x, source, w, b, start, experts, in, out, NULL, NULL);
}

void expert_linear(float *y, const float *x, const float *w, const float *b,
                   const int32_t *start, int experts, int in, int out) {
    expert_linear_gathered(y, x, NULL, w, b, start, experts, in, out);
}

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

// p->y = p->x w[:, i:]      of one expert, for columns i ..< i + p->columns of d_x
//
//   p->x: d_y [rows, out]    w [out, in] in panels    p->y: d_x [rows, in] from column i on
//
// The sum runs over outputs, so that w is turned into panels of inputs just before its use.
// While it is used, what is turned next comes from memory: at the end that is `next`.
INLINE void input_gradient_columns(product *p, const float *w, int rows, int i, int in,
                                   int out, ahead next) {
    float turned[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
    ahead soon[2] = {{0}, {0}};
    p->soon = soon;
    p->w = turned;
    p->w_panel = (size_t)turned_depth(out) * PANEL;
    for (int o = 0; o == 0 || o < out; o += DEPTH_BLOCK, p->x += DEPTH_BLOCK) {
        p->depth = smaller(out - o, DEPTH_BLOCK);
        p->accumulate = o > 0;
        int o_next = o + DEPTH_BLOCK;
        soon[1] = o_next < out ? turned_ahead(w, o_next, i, in, out) : next;
        turn_weights(turned, w, o, i, p->depth, p->columns, in, out);
        product_rows(p, rows);
    }
}

// One block of expert e: some of its rows times gradient_columns of d_x. Columns go by
// first, rows second.
INLINE void input_gradient_block(const expert_layer *l, int e, int block, int row_blocks) {
    size_t in = (size_t)l->in, out = (size_t)l->out, w_expert = panels_size(l->out, l->in);
    int wide = gradient_columns(l->out), column_blocks = blocks_of(l->in, wide);
    int part = block / column_blocks, i = block % column_blocks * wide;
    int count = l->start[e + 1] - l->start[e];
    int r = l->start[e] + block_start(part, count, row_blocks);
    int rows = l->start[e] + block_start(part + 1, count, row_blocks) - r;
    int e_next = block + 1 < row_blocks * column_blocks ? e : expert_after(l, e);
    int i_next = i + wide < l->in ? i + wide : 0;
    ahead next = {0};
    if (e_next < l->experts) {
        next = turned_ahead(l->w + (size_t)e_next * w_expert, 0, i_next, l->in, l->out);
    }
    float *y = l->y + (size_t)r * in + i;
    product p = {.y = y, .y_row = in, .y_panel = PANEL, .x = l->x + (size_t)r * out,
                 .x_row = out, .columns = smaller(l->in - i, wide),
                 .x_rows = i == 0 ? l->start[l->experts] - r : 0};
    fetch_operands(&p, l, r, i);
    input_gradient_columns(&p, l->w + (size_t)e * w_expert, rows, i, l->in, l->out, next);
    if (l->finish) { l->finish(l->operands, y, r, rows, i, p.columns); }
}

void expert_linear_input_gradient_finished(
    float *d_x, const float *d_y, const float *w, const int32_t *start, int experts, int in,
    int out, finish_block finish, const finish_operands *operands) {
    expert_layer l = {d_x, d_y, NULL, w, NULL, start, experts, in, out, finish, operands};
    int column_blocks = blocks_of(in, gradient_columns(out)), total = start[experts];
    work_shares left;
    deal_shares(&left, 1);
    #pragma omp parallel if (total > TILE_ROWS || column_blocks > 1)
    for (share_range s; take_shares(&left, &s);) {
        int64_t from = (int64_t)total * s.first / left.count;
        int64_t to = (int64_t)total * s.end / left.count;
        for (int e = 0; e < experts && start[e] < to; e++) {
            if (start[e + 1] <= from) { continue; }
            int count = start[e + 1] - start[e];
            int row_blocks = blocks_of(count, GRADIENT_ROW_BLOCK);
            int blocks = row_blocks * column_blocks;
            int block = first_block(from - start[e], count, blocks);
            int end = first_block(to - start[e], count, blocks);
            for (; block < end; block++) { input_gradient_block(&l, e, block, row_blocks); }
        }
    }
}

void expert_linear_input_gradient(float *d_x, const float *d_y, const float *w,
                                  const int32_t *start, int experts, int in, int out) {
    expert_linear_input_gradient_finished(d_x, d_y, w, start, experts, in, out, NULL, NULL);
}
