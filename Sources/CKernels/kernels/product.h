// product.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_PRODUCT_H
#define KERNEL_PRODUCT_H

#include "adamw.h"
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
// slowly enough for the memory to keep up (a line prefetched while many others are on their way
// is dropped), and almost free beside the multiply-adds.
#define FETCH_STEP (LANES == 16 ? 1 : 2)
typedef struct {
    const float *x;
    size_t x_row;
    const int32_t *source;   // NULL, or the index to use in place of the one times x_row
    int row, rows, line, lines;
} ahead;

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
    int by_depth;            // 0 or 1: then columns <= TILE_COLUMNS, and soon is NULL
    int accumulate;          // the initial value is y itself
    ahead *soon;             // NULL, or two lists, the first to be fetched before the second
    int x_rows;              // with soon[0] free for it: rows of x from here that are read
    int besides;             // how many of these are read next at the places of y:
    const float *beside[3];  // element (r, c) at [r * y_row + c / 16 * beside_panel + c % 16]
    size_t beside_panel;
    adamw_work *adamw;       // by_depth: NULL, or a step that is made between the tiles
} product;

// Where vector `v` of row `r` of a tile lies, from its first element on.
INLINE size_t tile_at(size_t row, size_t panel, int r, int v) {
    int column = v * LANES;
    return (size_t)r * row + (size_t)(column / PANEL) * panel + (size_t)(column % PANEL);
}

// All of p, `rows` by p->columns: a tile of rows against every panel in turn, so that the
// rows stay in the first cache and the panels stream from the second.
EXTERN void product_rows(const product *p, int rows);

// The first of `blocks` equal blocks, `cost` in all, that begins at or after `from`.
INLINE int first_block(int64_t from, int64_t cost, int blocks) {
    if (from <= 0) { return 0; }
    return from >= cost ? blocks : (int)((from * blocks + cost - 1) / cost);
}

#endif
