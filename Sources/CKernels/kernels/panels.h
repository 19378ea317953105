// panels.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_PANELS_H
#define KERNEL_PANELS_H

#include "vector.h"

// A matrix w [out, in] lives in panels of 16 outputs, so that one input's 16 weights are one
// cache line:
//
//   w[o, i]  at  panels[(o / 16) * in * 16 + i * 16 + o % 16]        padding outputs are 0
//
// In general a panel is [depth, 16]: 16 columns of the right-hand matrix of a product, with
// the index that is summed over running down.
#define PANEL 16
#define PANEL_VECTORS (PANEL / LANES)

// Floats that w [out, in] takes as panels.
KERNEL size_t panels_size(int out, int in) {
    return (size_t)blocks_of(out, PANEL) * PANEL * (size_t)in;
}

// panels = rows [out, in], padding set to 0.
KERNEL void panels_from_rows(float *panels, const float *rows, int out, int in) {
    for (int o = 0; o < blocks_of(out, PANEL) * PANEL; o++) {
        float *panel = panels + (size_t)(o / PANEL) * PANEL * (size_t)in + o % PANEL;
        for (int i = 0; i < in; i++) {
            panel[(size_t)i * PANEL] = o < out ? rows[(size_t)o * (size_t)in + (size_t)i] : 0;
        }
    }
}

// rows [out, in] = panels.
KERNEL void rows_from_panels(float *rows, const float *panels, int out, int in) {
    for (int o = 0; o < out; o++) {
        const float *panel = panels + (size_t)(o / PANEL) * PANEL * (size_t)in + o % PANEL;
        for (int i = 0; i < in; i++) {
            rows[(size_t)o * (size_t)in + (size_t)i] = panel[(size_t)i * PANEL];
        }
    }
}

// panel[k, c] = from[k, c] for k < depth, c < columns; 0 for the other columns.
//
//   from [depth, stride]    panel [depth, 16]
INLINE void panel_copy(float *panel, const float *from, size_t stride, int depth,
                       int columns) {
    for (int k = 0; k < depth; k++, panel += PANEL, from += stride) {
        for (int v = 0; v < PANEL; v += LANES) {
            floats_store(panel + v, floats_load_some(from + v, columns - v));
        }
    }
}

// Lanes of two vectors taken in turn, a first: the first half of both, or the second.
#if LANES == 16
#define INTERLEAVE_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define INTERLEAVE_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif LANES == 8
#define INTERLEAVE_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define INTERLEAVE_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define INTERLEAVE_LOW 0, 4, 1, 5
#define INTERLEAVE_HIGH 2, 6, 3, 7
#endif

// Interleaves the first half of the vectors with the second. Seen as one array this rotates
// the bits of every index by one: log2(LANES) times is a transposition.
INLINE void riffle(floats to[LANES], const floats from[LANES]) {
    UNROLL for (int i = 0; i < LANES / 2; i++) {
        floats a = from[i], b = from[i + LANES / 2];
        to[2 * i] = __builtin_shufflevector(a, b, INTERLEAVE_LOW);
        to[2 * i + 1] = __builtin_shufflevector(a, b, INTERLEAVE_HIGH);
    }
}

// to[j, i] = from[i, j], LANES by LANES.
INLINE void transpose_lanes(float *to, size_t to_stride, const float *from,
                            size_t from_stride) {
    floats a[LANES], b[LANES];
    UNROLL for (int i = 0; i < LANES; i++) {
        a[i] = floats_load(from + (size_t)i * from_stride);
    }
    riffle(b, a);
    riffle(a, b);
#if LANES == 8
    riffle(b, a);
    memcpy(a, b, sizeof a);
#elif LANES == 16
    riffle(b, a);
    riffle(a, b);
#endif
    UNROLL for (int i = 0; i < LANES; i++) { floats_store(to + (size_t)i * to_stride, a[i]); }
}

// panel[k, c] = from[c, k] for k < depth, c < columns; 0 for the other columns.
//
//   from [columns, stride]    panel [depth, 16]
INLINE void panel_transpose(float *panel, const float *from, size_t stride, int depth,
                            int columns) {
    int whole = columns == PANEL ? depth / LANES * LANES : 0;
    for (int k = 0; k < whole; k += LANES) {
        for (int c = 0; c < PANEL; c += LANES) {
            transpose_lanes(panel + k * PANEL + c, PANEL,
                            from + (size_t)c * stride + (size_t)k, stride);
        }
    }
    for (int k = whole; k < depth; k++) {
        for (int c = 0; c < PANEL; c++) {
            panel[k * PANEL + c] = c < columns ? from[(size_t)c * stride + (size_t)k] : 0;
        }
    }
}

#endif
