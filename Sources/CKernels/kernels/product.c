// product.c: a kernel of moec's, the same for every model.

#include "product.h"

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

// Where a row of tiles is in its lists: the next line, and how many are left of its row.
typedef struct {
    ahead *list;
    const float *line;
    int left;
} fetcher;

INLINE fetcher fetcher_of(ahead *lists) {
    ahead *list = ahead_list(lists);
    if (!list) { return (fetcher){NULL, NULL, 0}; }
    return (fetcher){list, ahead_line(list), list->lines - list->line};
}

// Calls the next line. The lists themselves move on with whole rows, and at the end.
INLINE void fetch_line(fetcher *f, ahead *lists) {
    __builtin_prefetch(f->line, 0, 2);
    f->line += PANEL;
    if (--f->left > 0) { return; }
    f->list->line = 0;
    f->list->row++;
    *f = fetcher_of(lists);
}

INLINE void fetch_end(const fetcher *f) {
    if (f->left > 0) { f->list->line = f->list->lines - f->left; }
}

// Row `index` of x.
INLINE size_t product_index(const int32_t *source, int index) {
    return (size_t)(source ? source[index] : index);
}

// Calls one row of a tile of what lies at y, `panel` floats from panel to panel, into the
// cache: to be written or to be read.
#define FETCH_ROW(y, panel, panels, write)                                                \
    UNROLL for (int c = 0; c < panels; c++) {                                             \
        __builtin_prefetch((y) + (size_t)c * (panel), write);                             \
    }

// Steps of a sum that follow each other with nothing between them: what stands there is done for
// all of them before. Where a tile takes nearly all registers, a compiler holds it in them only in
// a loop of multiply-adds alone; where steps are short, they have no time for another loop.
#define PACE (LANES == 16 ? 4 : 1)

// A row of tiles, one after the other; rows and panels are constants at every call.
//
// What p holds is read once: results are stored as vectors, which might lie anywhere, and
// after every store the compiler would read it again.
INLINE void tile_body(const product *p, int rows, int panels) {
    const int vectors = panels * PANEL_VECTORS, depth = p->depth, besides = p->besides;
    const int accumulate = p->accumulate;
    const size_t y_row = p->y_row, y_panel = p->y_panel, x_row = p->x_row;
    const size_t w_panel = p->w_panel;
    const int32_t *source = p->source;
    const float *w = p->w, *bias = p->bias, *x[TILE_ROWS];
    UNROLL for (int r = 0; r < rows; r++) { x[r] = p->x + product_index(source, r) * x_row; }
    float *y = p->y;
    size_t beside = 0;  // where the tile is in what lies beside y
    fetcher soon = fetcher_of(p->soon);
    for (int columns = p->columns; columns > 0; columns -= panels * PANEL) {
        floats sum[TILE_ROWS][TILE_COLUMNS / LANES];
        UNROLL for (int r = 0; r < rows; r++) {
            UNROLL for (int v = 0; v < vectors; v++) {
                const float *y_v = y + tile_at(y_row, y_panel, r, v);
                int some = columns - v * LANES;
                sum[r][v] = accumulate ? floats_load_some(y_v, some)
                            : bias     ? floats_load_some(bias + v * LANES, some)
                                       : (floats){0};
            }
        }
        const float *line = y;  // of y, or of what is beside it, to be prefetched next
        int list = 0, row = 0;  // of what is beside y
        for (int k = 0; k < depth;) {
            const int end = PACE == 1 ? k + 1 : smaller(k + PACE, depth);
            // First what this tile writes is prefetched, a row with every step, then what is
            // beside it, then what comes next.
            for (int step = k; step < end; step++) {
                if (step < rows) {
                    FETCH_ROW(line, y_panel, panels, 1)
                    line += y_row;
                } else if (list < besides) {
                    if (row == 0) { line = p->beside[list] + beside; }
                    FETCH_ROW(line, p->beside_panel, panels, 0)
                    line += y_row;
                    row++;
                    if (row == rows) { row = 0, list++; }
                } else if (soon.left > 0 && step % FETCH_STEP == 0) {
                    fetch_line(&soon, p->soon);
                }
            }
            for (; k < end; k++, w += PANEL) {
                // With few rows the panels of the next tile are not there in time by themselves.
                if (rows <= FEW_ROWS) {
                    UNROLL for (int c = 0; c < panels; c++) {
                        __builtin_prefetch(w + (size_t)(panels + c) * w_panel);
                    }
                }
                floats w_k[TILE_COLUMNS / LANES];
                UNROLL for (int v = 0; v < vectors; v++) {
                    w_k[v] = floats_load(w + tile_at(0, w_panel, 0, v));
                }
                UNROLL for (int r = 0; r < rows; r++) {
                    floats x_rk = floats_all(x[r][k]);
                    UNROLL for (int v = 0; v < vectors; v++) {
                        sum[r][v] = floats_multiply_add(x_rk, w_k[v], sum[r][v]);
                    }
                }
            }
        }
        UNROLL for (int r = 0; r < rows; r++) {
            UNROLL for (int v = 0; v < vectors; v++) {
                float *y_v = y + tile_at(y_row, y_panel, r, v);
                floats_store_some(y_v, sum[r][v], columns - v * LANES);
            }
        }
        y += panels * y_panel;
        beside += panels * p->beside_panel;
        w += panels * w_panel - (size_t)depth * PANEL;
        if (bias) { bias += panels * PANEL; }
    }
    fetch_end(&soon);
}

// A tile whose sum runs over rows of x; rows and panels are constants at every call.
INLINE void depth_body(const product *p, int rows, int panels) {
    const int vectors = panels * PANEL_VECTORS, depth = p->depth, columns = p->columns;
    const size_t y_row = p->y_row, y_panel = p->y_panel, x_row = p->x_row;
    const size_t w_panel = p->w_panel;
    const int32_t *source = p->source;
    const float *w = p->w, *x = p->x;
    float *y = p->y;
    adamw_fetcher next = adamw_fetcher_of(p->adamw);
    floats sum[TILE_ROWS][TILE_COLUMNS / LANES];
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            const float *y_v = y + tile_at(y_row, y_panel, r, v);
            int some = columns - v * LANES;
            sum[r][v] = p->accumulate ? floats_load_some(y_v, some)
                        : p->bias     ? floats_load_some(p->bias + v * LANES, some)
                                      : (floats){0};
        }
    }
    const float *line = y;            // of y, to be prefetched next
    int lines = p->adamw ? 0 : rows;  // a gradient that AdamW takes stays in cache
    for (int k = 0; k < depth;) {
        if (lines > 0) {
            FETCH_ROW(line, y_panel, panels, 1)
            line += y_row;
            lines--;
        } else {
            adamw_fetch_line(&next);
        }
        const int end = PACE == 1 ? k + 1 : smaller(k + PACE, depth);
        for (; k < end; k++, w += PANEL) {
            const float *x_k = x + product_index(source, k) * x_row;
            // The line where the next tile of rows goes on.
            __builtin_prefetch(x_k + 2 * TILE_ROWS - 1);
            floats w_k[TILE_COLUMNS / LANES];
            UNROLL for (int v = 0; v < vectors; v++) {
                w_k[v] = floats_load(w + tile_at(0, w_panel, 0, v));
            }
            UNROLL for (int r = 0; r < rows; r++) {
                floats x_rk = floats_all(x_k[r]);
                UNROLL for (int v = 0; v < vectors; v++) {
                    sum[r][v] = floats_multiply_add(x_rk, w_k[v], sum[r][v]);
                }
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++) {
        UNROLL for (int v = 0; v < vectors; v++) {
            float *y_v = y + tile_at(y_row, y_panel, r, v);
            floats_store_some(y_v, sum[r][v], columns - v * LANES);
        }
    }
}

// Rows of tiles of one height: two directions of x, one panel wide or TILE_PANELS.
#define TILES(rows)                                                                       \
    OUTLINE void tile_##rows(const product *p) { tile_body(p, rows, TILE_PANELS); }       \
    OUTLINE void narrow_##rows(const product *p) { tile_body(p, rows, 1); }               \
    OUTLINE void depth_tile_##rows(const product *p) { depth_body(p, rows, TILE_PANELS); } \
    OUTLINE void depth_narrow_##rows(const product *p) { depth_body(p, rows, 1); }

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

// A row of tiles, at most TILE_ROWS high: those of TILE_PANELS panels, then the panel that is
// left over. Changes p, as a copy of it would have to wait until what p was just given is
// in the cache.
INLINE void product_tiles(product *p, int rows) {
    static void (*const tiles[2][2][TILE_ROWS])(const product *) = {
        {{ALL_TILES(tile_)}, {ALL_TILES(narrow_)}},
        {{ALL_TILES(depth_tile_)}, {ALL_TILES(depth_narrow_)}}};
    int columns = p->columns, wide = blocks_of(columns, PANEL) / TILE_PANELS * TILE_PANELS;
    if (wide > 0) {
        p->columns = smaller(columns, wide * PANEL);
        tiles[p->by_depth][0][rows - 1](p);
    }
    p->columns = columns - wide * PANEL;
    if (p->columns <= 0) { return; }
    p->y += (size_t)wide * p->y_panel;
    p->w += (size_t)wide * p->w_panel;
    if (p->bias) { p->bias += wide * PANEL; }
    for (int b = 0; b < p->besides; b++) { p->beside[b] += (size_t)wide * p->beside_panel; }
    tiles[p->by_depth][1][rows - 1](p);
}

void product_rows(const product *p, int rows) {
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
        if (p->by_depth) {
            tile.x += r;
            if (p->adamw) { adamw_turns(p->adamw); }
        }
        else if (p->source) { tile.source += r; }
        else { tile.x += (size_t)r * p->x_row; }
        product_tiles(&tile, end - r);
    }
}
