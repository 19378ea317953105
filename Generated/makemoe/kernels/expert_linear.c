// expert_linear.c: a kernel of moec's, the same for every model.

#include "expert_linear.h"
#include "expert_rows.h"
#include "panels.h"
#include "shares.h"

// Linear layers with one matrix per expert over rows sorted by expert, all of the same rows and of
// one size: each makes a y of its own of x.
typedef struct {
    const linear_part *parts;
    int count;
    const float *x;
    const int32_t *source;  // NULL, or the rows of x to read
    const int32_t *start;   // expert e owns rows start[e] ..< start[e + 1]
    int experts, in, out;
    int together;           // so many parts are made of a tile of rows one after the other
} forward_layer;

// Floats of weights in one block of columns of the forward product: the second cache keeps
// them, beside the next ones on their way.
#define WEIGHT_BLOCK 65536

// Columns in one block.
INLINE int forward_columns(int in) {
    return larger(WEIGHT_BLOCK / larger(in, 1) / TILE_COLUMNS, 1) * TILE_COLUMNS;
}

// Parts whose weights are one block: with many rows as many as the second cache keeps, so that
// a tile of rows is in the first cache for all of them; with few rows one, so that each can be
// another thread's.
INLINE int forward_together(int count, int rows, int in, int out) {
    if (rows <= TILE_ROWS) { return 1; }
    int panels = blocks_of(larger(out, 1), PANEL);
    return smaller(larger(forward_columns(in) / PANEL / panels, 1), count);
}

// Blocks of columns of all parts.
INLINE int column_blocks(const forward_layer *l) {
    return blocks_of(l->count, l->together) * blocks_of(l->out, forward_columns(l->in));
}

// The weights of a part from a column on.
INLINE const float *forward_weights(const forward_layer *l, int part, int e, int column) {
    size_t first = (size_t)e * panels_size(l->out, l->in) + (size_t)column * (size_t)l->in;
    return l->parts[part].w + first;
}

// The weights that are used after those of a part's block of columns of expert e: the tile-th of
// `tiles` equal parts of them.
INLINE ahead forward_ahead(const forward_layer *l, int part, int e, int column, int tile,
                           int tiles) {
    int wide = forward_columns(l->in);
    column += wide;
    if (column >= l->out) {
        column = 0;
        part += l->together;
    }
    if (part >= l->count) {
        part %= l->together;
        e = expert_after(l->start, l->experts, e);
    }
    if (e >= l->experts) { return (ahead){0}; }
    int lines = l->in * blocks_of(smaller(l->out - column, wide), PANEL);
    return (ahead){.x = forward_weights(l, part, e, column),
                   .rows = 1,
                   .line = block_start(tile, lines, tiles),
                   .lines = block_start(tile + 1, lines, tiles)};
}

// Weights that nobody prefetched are read beforehand where so many tiles of rows or more use them.
#define COLD_TILES 5

// Reads the weights of a part's block of columns of expert e, a line after the other.
//
// A tile uses up two lines with every step of its sums. Where nobody prefetched them, the first
// tile of rows takes three times as long as the others; read in their own order they come as
// fast as memory gives them.
INLINE void read_weights(const forward_layer *l, int part, int e, int column) {
    const float *w = forward_weights(l, part, e, column);
    int columns = smaller(l->out - column, forward_columns(l->in));
    size_t count = (size_t)l->in * (size_t)(blocks_of(columns, PANEL) * PANEL);
    for (size_t i = 0; i < count; i += PANEL) { (void)*(const volatile float *)(w + i); }
}

// A tile of rows of expert e, the tile-th of `tiles`, times a block of columns of a part.
INLINE void forward_tile(const forward_layer *l, int part, int e, int column, int tile,
                         int tiles) {
    size_t in = (size_t)l->in, out = (size_t)l->out;
    const linear_part *own = &l->parts[part];
    int count = l->start[e + 1] - l->start[e];
    int r = l->start[e] + block_start(tile, count, tiles);
    int rows = l->start[e] + block_start(tile + 1, count, tiles) - r;
    int is_first = part == 0 && column == 0;
    ahead soon[2] = {{0}, forward_ahead(l, part, e, column, tile, tiles)};
    product p = {.y = own->y + (size_t)r * out + column, .y_row = out, .y_panel = PANEL,
                 .x = l->source ? l->x : l->x + (size_t)r * in, .x_row = in,
                 .source = l->source ? l->source + r : NULL,
                 .w = forward_weights(l, part, e, column), .w_panel = in * PANEL,
                 .bias = own->b ? own->b + (size_t)e * out + column : NULL,
                 .depth = l->in, .columns = smaller(l->out - column, forward_columns(l->in)),
                 .soon = soon, .x_rows = is_first ? l->start[l->experts] - r : 0};
    fetch_operands(&p, own->operands, r, column);
    product_rows(&p, rows);
    if (own->finish) { own->finish(own->operands, p.y, r, rows, column, p.columns); }
}

// One block of expert e: a tile of its rows times a block of columns. cold: its weights were
// not prefetched while another block was made.
//
// Tiles of rows go by first, blocks of columns second, so that the weights of a block stay in
// the second cache. While a tile is made, the rows of the next one and an equal part of the
// next block's weights come from memory.
INLINE void forward_block(const forward_layer *l, int e, int block, int cold) {
    int tiles = blocks_of(l->start[e + 1] - l->start[e], TILE_ROWS);
    int wide = forward_columns(l->in), blocks = blocks_of(l->out, wide);
    int tile = block % tiles, first = block / tiles / blocks * l->together;
    int column = block / tiles % blocks * wide;
    for (int part = first; part < smaller(first + l->together, l->count); part++) {
        if (cold && tiles >= COLD_TILES) { read_weights(l, part, e, column); }
        forward_tile(l, part, e, column, tile, tiles);
    }
}

// The calling thread's shares of all blocks, counted in rows times blocks of columns: a few
// rows, as in generation, are shared too, where their weights take longer to read than other
// threads to begin.
INLINE void take_forward_blocks(const forward_layer *l, work_shares *left) {
    int columns = column_blocks(l), made = -1;
    int64_t all = (int64_t)l->start[l->experts] * columns;
    for (share_range s; take_shares(left, &s); made = s.end) {
        int64_t from = all * s.first / left->count, to = all * s.end / left->count;
        int cold = s.first != made;
        for (int e = 0; e < l->experts; e++) {
            int64_t first = (int64_t)l->start[e] * columns;
            int64_t cost = (int64_t)l->start[e + 1] * columns - first;
            if (first + cost <= from || first >= to) { continue; }
            int blocks = blocks_of(l->start[e + 1] - l->start[e], TILE_ROWS) * columns;
            int end = first_block(to - first, cost, blocks);
            for (int b = first_block(from - first, cost, blocks); b < end; b++) {
                forward_block(l, e, b, cold);
                cold = 0;
            }
        }
    }
}

void expert_linear_parts(const linear_part *parts, int count, const float *x,
                         const int32_t *source, const int32_t *start, int experts, int in,
                         int out) {
    int rows = start[experts];
    forward_layer l = {parts, count, x, source, start, experts, in, out,
                       forward_together(count, rows, in, out)};
    work_shares left;
    deal_shares(&left, 1);
    #pragma omp parallel if (rows > TILE_ROWS || \
                             (rows * column_blocks(&l) > 1 && (int64_t)in * out >= 16384))
    take_forward_blocks(&l, &left);
}

void expert_linear_finished(float *y, const float *x, const int32_t *source,
                            const float *w, const float *b, const int32_t *start,
                            int experts, int in, int out, finish_block finish,
                            const finish_operands *operands) {
    const linear_part part = {y, w, b, finish, operands};
    expert_linear_parts(&part, 1, x, source, start, experts, in, out);
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
