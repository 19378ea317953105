// product.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_PRODUCT_H
#define KERNEL_PRODUCT_H

#include "panels.h"
#include "shares.h"

// A tile is TILE_ROWS rows by TILE_PANELS panels of the result, all held in registers while
// the sum runs: 28, 12, 24 or 8 accumulators.
#if defined(CHECKED_BUILD)
#define TILE_ROWS 2
#define TILE_PANELS 1
#elif defined(__AVX512F__)
#define TILE_ROWS 14
#define TILE_PANELS 2
#elif LANES == 8
#define TILE_ROWS 6
#define TILE_PANELS 1
#elif defined(__ARM_NEON) && defined(__aarch64__)
#define TILE_ROWS 6
#define TILE_PANELS 1
#else
#define TILE_ROWS 2
#define TILE_PANELS 1
#endif
#define TILE_COLUMNS (TILE_PANELS * PANEL)

// Tiles of so few rows use up the panels faster than they come from the second cache.
#define FEW_ROWS (LANES == 16 ? 10 : 0)

// Longest sum over panels that are made on the spot, on the stack: 64 KB at most.
#define DEPTH_BLOCK 512

// Memory that is read soon: `lines` cache lines of each of the rows row ..< rows of x.
//
// Products call them into the second cache, a line with every FETCH_STEP steps of their sums:
// slowly enough for the memory to keep up (a line called while many others are on their way
// is dropped), and almost free beside the multiply-adds.
#define FETCH_STEP (LANES == 16 ? 1 : 2)
typedef struct {
    const float *x;
    size_t x_row;
    const int32_t *source;   // NULL, or the index to use in place of the one times x_row
    int row, rows, line, lines;
} ahead;

// The first of two lists with rows left; NULL if there is none.
INLINE ahead *ahead_list(ahead *lists) {
    if (!lists) { return NULL; }
    if (lists[0].row < lists[0].rows) { return lists; }
    return lists[1].row < lists[1].rows ? lists + 1 : NULL;
}

// The line that is to be fetched next.
INLINE const float *ahead_line(const ahead *a) {
    size_t row = (size_t)(a->source ? a->source[a->row] : a->row);
    return a->x + row * a->x_row + (size_t)a->line * PANEL;
}

// y[r, c] = initial + sum over k < depth of x[r, k] w[k, c]
//
// k ascends for every element, whatever tile it lies in: how rows and columns are cut never
// shows in the result.
typedef struct {
    float *y;                // element (r, c) at y[r * y_row + c / 16 * y_panel + c % 16]
    size_t y_row, y_panel;
    const float *x;          // element (r, k) at x[r * x_row + k]; by_depth: x[k * x_row + r]
    size_t x_row;
    const int32_t *source;   // NULL, or the index to use in place of the one times x_row
    const float *w;          // element (k, c) at w[c / 16 * w_panel + k * 16 + c % 16]
    size_t w_panel;
    const float *bias;       // initial value of each column; NULL: 0
    int depth, columns;
    int by_depth;            // 0 or 1
    int accumulate;          // the initial value is y itself
    ahead *soon;             // NULL, or two lists, the first to be fetched before the second
    int x_rows;              // with soon[0] free for it: rows of x from here that are read
    int besides;             // how many of these are read next at the places of y:
    const float *beside[3];  // element (r, c) at [r * y_row + c / 16 * beside_panel + c % 16]
    size_t beside_panel;
} product;

// Initial value of vector `v` of row `r`.
INLINE floats tile_initial(const product *p, int r, int v) {
    int column = v * LANES;
    if (p->accumulate) {
        const float *y = p->y + (size_t)r * p->y_row + (size_t)(column / PANEL) * p->y_panel;
        return floats_load_some(y + column % PANEL, p->columns - column);
    }
    return p->bias ? floats_load_some(p->bias + column, p->columns - column) : (floats){0};
}

// Stores vector `v` of row `r`; what is applied to every finished element goes here.
INLINE void tile_finish(const product *p, floats sum, int r, int v) {
    int column = v * LANES;
    float *y = p->y + (size_t)r * p->y_row + (size_t)(column / PANEL) * p->y_panel;
    floats_store_some(y + column % PANEL, sum, p->columns - column);
}

INLINE size_t product_index(const product *p, int index) {
    return (size_t)(p->source ? p->source[index] : index);
}

// Calls one row of a tile of what lies at y, `panel` floats from panel to panel, into the
// cache: to be written or to be read.
#define FETCH_ROW(y, panel, panels, write)                                                \
    UNROLL for (int c = 0; c < panels; c++) {                                             \
        __builtin_prefetch((y) + (size_t)c * (panel), write);                             \
    }

// One tile; rows, panels and by_depth are constants at every call.
INLINE void tile_body(const product *p, int rows, int panels, int by_depth) {
    floats sum[TILE_ROWS][TILE_COLUMNS / LANES];
    const float *x[TILE_ROWS];
    int vectors = panels * PANEL_VECTORS, depth = p->depth;
    UNROLL for (int r = 0; r < rows; r++) {
        x[r] = by_depth ? p->x : p->x + product_index(p, r) * p->x_row;
        UNROLL for (int v = 0; v < vectors; v++) { sum[r][v] = tile_initial(p, r, v); }
    }
    const float *w = p->w;
    ahead *soon = ahead_list(p->soon);
    const float *next = soon ? ahead_line(soon) : NULL;
    int list = 0, row = 0;  // of what is beside y, to be called next
    for (int k = 0; k < depth; k++, w += PANEL) {
        // First what this tile writes is called, a row with every step, then what is beside
        // it, then what comes next.
        if (k < rows) {
            FETCH_ROW(p->y + (size_t)k * p->y_row, p->y_panel, panels, 1)
        } else if (list < p->besides) {
            const float *beside = p->beside[list] + (size_t)row * p->y_row;
            FETCH_ROW(beside, p->beside_panel, panels, 0)
            row++;
            if (row == rows) { row = 0, list++; }
        } else if (next && k % FETCH_STEP == 0) {
            __builtin_prefetch(next, 0, 2);
            next += PANEL;
            if (++soon->line >= soon->lines) {
                soon->line = 0, soon->row++;
                soon = ahead_list(p->soon);
                next = soon ? ahead_line(soon) : NULL;
            }
        }
        const float *x_k = by_depth ? p->x + product_index(p, k) * p->x_row : NULL;
        // With few rows the panels of the next tile are not there in time by themselves.
        if (!by_depth && rows <= FEW_ROWS) {
            UNROLL for (int c = 0; c < panels; c++) {
                __builtin_prefetch(w + (size_t)(panels + c) * p->w_panel);
            }
        }
        // The line where the next tile of rows goes on.
        if (by_depth) { __builtin_prefetch(x_k + 2 * TILE_ROWS - 1); }
        floats w_k[TILE_COLUMNS / LANES];
        UNROLL for (int v = 0; v < vectors; v++) {
            size_t panel = (size_t)(v / PANEL_VECTORS) * p->w_panel;
            w_k[v] = floats_load(w + panel + v % PANEL_VECTORS * LANES);
        }
        UNROLL for (int r = 0; r < rows; r++) {
            floats x_rk = floats_all(by_depth ? x_k[r] : x[r][k]);
            UNROLL for (int v = 0; v < vectors; v++) {
                sum[r][v] = floats_multiply_add(x_rk, w_k[v], sum[r][v]);
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors; v++) { tile_finish(p, sum[r][v], r, v); }
    }
}

// The tiles of one height: two directions of x, one panel or TILE_PANELS.
#define TILES(rows)                                                                       \
    OUTLINE void tile_##rows(const product *p) { tile_body(p, rows, TILE_PANELS, 0); }    \
    OUTLINE void narrow_##rows(const product *p) { tile_body(p, rows, 1, 0); }            \
    OUTLINE void depth_tile_##rows(const product *p) { tile_body(p, rows, TILE_PANELS, 1); } \
    OUTLINE void depth_narrow_##rows(const product *p) { tile_body(p, rows, 1, 1); }

TILES(1) TILES(2)
#define TILES_TO_2(name) name##1, name##2
#if TILE_ROWS > 2
TILES(3) TILES(4) TILES(5) TILES(6)
#define TILES_TO_6(name) TILES_TO_2(name), name##3, name##4, name##5, name##6
#endif
#if TILE_ROWS > 6
TILES(7) TILES(8) TILES(9) TILES(10) TILES(11) TILES(12) TILES(13) TILES(14)
#define ALL_TILES(name)                                                                   \
    TILES_TO_6(name), name##7, name##8, name##9, name##10, name##11, name##12, name##13,  \
        name##14
#elif TILE_ROWS > 2
#define ALL_TILES TILES_TO_6
#else
#define ALL_TILES TILES_TO_2
#endif

// One tile of at most TILE_ROWS rows and TILE_COLUMNS columns.
KERNEL void product_tile(const product *p, int rows) {
    static void (*const tiles[2][2][TILE_ROWS])(const product *) = {
        {{ALL_TILES(tile_)}, {ALL_TILES(narrow_)}},
        {{ALL_TILES(depth_tile_)}, {ALL_TILES(depth_narrow_)}}};
    tiles[p->by_depth][p->columns <= PANEL][rows - 1](p);
}

// All of p, `rows` by p->columns: a tile of rows against every panel in turn, so that the
// rows stay in the first cache and the panels stream from the second.
KERNEL void product_rows(const product *p, int rows) {
    int tiles = blocks_of(rows, TILE_ROWS);
    for (int t = 0; t < tiles; t++) {
        int r = block_start(t, rows, tiles), end = block_start(t + 1, rows, tiles);
        if (p->x_rows > 0) {
            p->soon[0] = (ahead){.x = p->x, .x_row = p->x_row, .source = p->source,
                                 .row = end, .rows = smaller(end + TILE_ROWS, p->x_rows),
                                 .lines = blocks_of(p->depth, PANEL)};
        }
        product tile = *p;
        tile.y += (size_t)r * p->y_row;
        for (int b = 0; b < p->besides; b++) { tile.beside[b] += (size_t)r * p->y_row; }
        if (p->by_depth) { tile.x += r; }
        else if (p->source) { tile.source += r; }
        else { tile.x += (size_t)r * p->x_row; }
        while (tile.columns > 0) {
            product_tile(&tile, end - r);
            tile.columns -= TILE_COLUMNS;
            tile.y += TILE_PANELS * p->y_panel;
            tile.w += TILE_PANELS * p->w_panel;
            if (p->bias) { tile.bias += TILE_COLUMNS; }
            for (int b = 0; b < p->besides; b++) {
                tile.beside[b] += TILE_PANELS * p->beside_panel;
            }
        }
    }
}

// The first of `blocks` equal blocks, `cost` in all, that begins at or after `from`.
INLINE int first_block(int64_t from, int64_t cost, int blocks) {
    if (from <= 0) { return 0; }
    return from >= cost ? blocks : (int)((from * blocks + cost - 1) / cost);
}

#endif
