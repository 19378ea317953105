// adamw.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ADAMW_H
#define KERNEL_ADAMW_H

#include "panels.h"
#include "threads.h"

// Elements in one unit of work.
#define ADAMW_BLOCK 512

typedef struct {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
} adamw_numbers;

// What one step multiplies with, the same for every element of a parameter.
typedef struct {
    float keep, rate, epsilon, new1, old2, new2;
} adamw_factors;

// The factors of a parameter's `step`-th step (from 1), formed in double:
//
//   keep = 1 - learning_rate weight_decay    root = sqrt(1 - beta2^step)
//   rate = learning_rate root / (1 - beta1^step)
KERNEL adamw_factors adamw_factors_of(const adamw_numbers *numbers, float step) {
    double rate = numbers->learning_rate, beta1 = numbers->beta1, beta2 = numbers->beta2;
    double root = sqrt(1 - pow(beta2, step));
    return (adamw_factors){.keep = (float)(1 - rate * numbers->weight_decay),
                           .rate = (float)(rate * root / (1 - pow(beta1, step))),
                           .epsilon = (float)(numbers->epsilon * root),
                           .new1 = (float)(1 - beta1),
                           .old2 = (float)beta2,
                           .new2 = (float)(1 - beta2)};
}

// One step over `count` elements, at most LANES of them:
//
//   value  *= keep
//   first  += (gradient - first) (1 - beta1)
//   second  = beta2 second + (1 - beta2) gradient^2
//   value  -= rate first / (sqrt(second) + epsilon root)
//
// which is learning_rate first / (1 - beta1^step) / (sqrt(second) / root + epsilon) with
// both sides of the fraction multiplied by root: a division less for each element (Kingma
// and Ba 2015, end of section 2).
INLINE void adamw_vector(float *value, const float *gradient, float *first, float *second,
                         int count, const adamw_factors *f) {
    floats g = floats_load_some(gradient, count), m = floats_load_some(first, count);
    floats v = floats_load_some(second, count), w = floats_load_some(value, count);
    m = floats_multiply_add(g - m, floats_all(f->new1), m);
    v = floats_multiply_add(floats_all(f->old2), v, floats_all(f->new2) * g * g);
    floats change = floats_all(f->rate) * m / (floats_root(v) + floats_all(f->epsilon));
    floats_store_some(first, m, count);
    floats_store_some(second, v, count);
    floats_store_some(value, floats_multiply_add(w, floats_all(f->keep), -change), count);
}

// One step over `count` elements.
KERNEL void adamw_block(float *value, const float *gradient, float *first, float *second,
                        size_t count, const adamw_factors *factors) {
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        adamw_vector(value + i, gradient + i, first + i, second + i, LANES, factors);
    }
    if (i < count) {
        adamw_vector(value + i, gradient + i, first + i, second + i, (int)(count - i), factors);
    }
}

// Prefetches what AdamW changes, to be written: prefetched to be read it would have
// to be asked for again where cores have caches of their own.
INLINE void adamw_fetch(const float *value, const float *first, const float *second,
                        size_t count) {
    for (size_t i = 0; i < count; i += 16) {
        __builtin_prefetch(value + i, 1);
        __builtin_prefetch(first + i, 1);
        __builtin_prefetch(second + i, 1);
    }
}

// The step of a weight gradient's block that is made little by little, between the tiles of
// the next block, so that memory has the time of a product to bring what is changed.
//
// All of it lies in panels, `each` floats of a panel, the next one `skip` floats behind them.
typedef struct {
    float *value, *first, *second;
    const float *gradient;
    int left, panels;  // floats left of this panel, and panels after it
    int each;
    size_t skip, gradient_skip;
    int turns;         // so many before each tile
    adamw_factors factors;
} adamw_work;

// Floats of a turn.
#define ADAMW_TURN (2 * PANEL)

// The next turn of it.
INLINE void adamw_turn(adamw_work *w) {
    if (w->left == 0) { return; }
    float *value = w->value, *first = w->first, *second = w->second;
    const float *gradient = w->gradient;
    int count = smaller(w->left, ADAMW_TURN);
    UNROLL for (int i = 0; i < ADAMW_TURN; i += LANES) {
        if (i >= PANEL && count <= PANEL) { break; }
        adamw_vector(value + i, gradient + i, first + i, second + i, LANES, &w->factors);
    }
    size_t next = (size_t)count, gradient_next = next;
    w->left -= count;
    if (w->left == 0 && w->panels > 0) {
        w->panels--;
        w->left = w->each;
        next += w->skip;
        gradient_next += w->gradient_skip;
    }
    w->value = value + next;
    w->first = first + next;
    w->second = second + next;
    w->gradient = gradient + gradient_next;
}

// The turns that stand before a tile.
OUTLINE void adamw_turns(adamw_work *w) {
    for (int i = 0; i < w->turns && w->left > 0; i++) { adamw_turn(w); }
}

// What the next turns change, a line after the other: to be written, as what came to be read
// would be asked for again where cores have caches of their own.
typedef struct {
    const float *value, *first, *second;
    int lines;  // of each that are left
} adamw_fetcher;

// For w's next turns; NULL: for none.
INLINE adamw_fetcher adamw_fetcher_of(const adamw_work *w) {
    if (!w) { return (adamw_fetcher){NULL, NULL, NULL, 0}; }
    int lines = smaller(w->turns * (ADAMW_TURN / PANEL), blocks_of(w->left, PANEL));
    return (adamw_fetcher){w->value, w->first, w->second, lines};
}

INLINE void adamw_fetch_line(adamw_fetcher *f) {
    if (f->lines == 0) { return; }
    __builtin_prefetch(f->value, 1);
    __builtin_prefetch(f->first, 1);
    __builtin_prefetch(f->second, 1);
    f->value += PANEL, f->first += PANEL, f->second += PANEL;
    f->lines--;
}

// What is left of it, at once.
INLINE void adamw_finish(adamw_work *w) {
    while (w->left > 0) { adamw_turn(w); }
}

// What a weight gradient needs to put the parameter's step right behind it, block by block,
// while the gradient is in cache. Everything lies as the gradient would.
typedef struct {
    float *value, *first, *second;  // value NULL: only the gradient is wanted
    const float *steps;             // [experts]
    adamw_numbers numbers;
} weight_update;

// Elements of a block of which so many are left with it.
INLINE size_t adamw_part(size_t left) { return left < ADAMW_BLOCK ? left : ADAMW_BLOCK; }

// One step of a whole parameter, its *steps-th. Called by all threads of a team at once:
// each takes its share of the blocks and goes on to the next parameter without waiting.
KERNEL void adamw(float *restrict value, const float *restrict gradient,
                  float *restrict first, float *restrict second, size_t count,
                  const float *restrict steps, const adamw_numbers *numbers) {
    int blocks = (int)((count + ADAMW_BLOCK - 1) / ADAMW_BLOCK);
    const adamw_factors factors = adamw_factors_of(numbers, *steps);
    FOR_OWN(block, blocks) {
        size_t i = (size_t)block * ADAMW_BLOCK, next = i + ADAMW_BLOCK;
        if (next < count) {
            adamw_fetch(value + next, first + next, second + next,
                        adamw_part(count - next));
        }
        adamw_block(value + i, gradient + i, first + i, second + i,
                    adamw_part(count - i), &factors);
    }
}

// One step of a parameter stacked by expert, value [experts, count], for the experts that had
// rows: all else, its decay and its count included, stays as it was for the others.
//
//   steps [experts]    start [experts + 1]: expert e had rows start[e] ..< start[e + 1]
KERNEL void adamw_experts(float *restrict value, const float *restrict gradient,
                          float *restrict first, float *restrict second, size_t count,
                          int experts, const float *restrict steps,
                          const int32_t *restrict start, const adamw_numbers *numbers) {
    for (int e = 0; e < experts; e++) {
        if (start[e] == start[e + 1]) { continue; }
        size_t at = (size_t)e * count;
        adamw(value + at, gradient + at, first + at, second + at, count, steps + e, numbers);
    }
}

#endif
