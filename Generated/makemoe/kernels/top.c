// top.c: a kernel of moec's, the same for every model.

#include "top.h"
#include "threads.h"
#include "vector_math.h"

// An integer that orders as the float does, with -0 equal to 0 and every NaN above all
// numbers.
static inline int32_t top_order(float x) {
    float positive_zero = x + 0.0f;
    int32_t bits;
    memcpy(&bits, &positive_zero, sizeof bits);
    bits ^= (bits >> 31) & 0x7fffffff;
    return x == x ? bits : INT32_MAX;
}

INLINE ints top_orders(floats x) {
    ints bits = (ints)(x + 0.0f);
    bits ^= (bits >> 31) & 0x7fffffff;
    return ints_select(x == x, bits, (ints){0} + INT32_MAX);
}

// One row of top, for any k: finds the k-th element of the ranking by walking down it, then
// takes all experts that do not rank below it. There are always exactly k of them, whatever
// the logits hold.
static inline void top_row(float *restrict values, int32_t *restrict indices,
                           const float *restrict x, int experts, int k) {
    // The ranking so far ends here. A rank is the pair (order, -index) in one integer.
    int64_t last = INT64_MAX;
    for (int j = 0; j < k; j++) {
        int64_t best = INT64_MIN;
        for (int e = 0; e < experts; e++) {
            int64_t rank = (int64_t)top_order(x[e]) * 65536 - e;
            if (rank < last && rank > best) { best = rank; }
        }
        last = best;
    }
    for (int e = 0, j = 0; e < experts && j < k; e++) {
        if ((int64_t)top_order(x[e]) * 65536 - e >= last) {
            values[j] = x[e];
            indices[j++] = e;
        }
    }
}

#define TOP_SMALL 8

// The k best so far of LANES rows, one row a lane: best[0] >= best[1] >= ...
typedef struct {
    ints best[TOP_SMALL], expert[TOP_SMALL];
} top_ranking;

// Every lane's new expert takes its place behind those that it equals, as they came earlier.
// Those after it move down; what falls off the end is forgotten.
INLINE void top_insert(top_ranking *ranking, ints order, ints expert, int k) {
    ints moved_order = order, moved_expert = expert;
    for (int j = 0; j < k; j++) {
        ints old_order = ranking->best[j], old_expert = ranking->expert[j];
        ints above = order > old_order;
        ranking->best[j] = ints_select(above, moved_order, old_order);
        ranking->expert[j] = ints_select(above, moved_expert, old_expert);
        moved_order = ints_select(above, old_order, moved_order);
        moved_expert = ints_select(above, old_expert, moved_expert);
    }
}

// Puts every lane's experts into ascending order.
INLINE void top_sort(top_ranking *ranking, int k) {
    for (int end = k - 1; end > 0; end--) {
        for (int j = 0; j < end; j++) {
            ints a = ranking->expert[j], b = ranking->expert[j + 1], above = a > b;
            ranking->expert[j] = ints_select(above, b, a);
            ranking->expert[j + 1] = ints_select(above, a, b);
        }
    }
}

// Up to LANES rows of top at once, k <= TOP_SMALL; rows past the last repeat it.
INLINE void top_rows(float *restrict values, int32_t *restrict indices,
                     const float *restrict x, int rows, int experts, int k) {
    top_ranking ranking;
    for (int j = 0; j < k; j++) {
        ranking.best[j] = (ints){0} + INT32_MIN;
        ranking.expert[j] = (ints){0};
    }
    for (int e = 0; e < experts; e++) {
        _Alignas(64) float column[LANES];
        for (int l = 0; l < LANES; l++) {
            column[l] = x[(size_t)smaller(l, rows - 1) * experts + e];
        }
        top_insert(&ranking, top_orders(floats_load(column)), (ints){0} + e, k);
    }
    top_sort(&ranking, k);
    for (int j = 0; j < k; j++) {
        int32_t expert[LANES];
        memcpy(expert, &ranking.expert[j], sizeof expert);
        for (int l = 0; l < rows; l++) {
            indices[(size_t)l * k + j] = expert[l];
            values[(size_t)l * k + j] = x[(size_t)l * experts + expert[l]];
        }
    }
}

void top(float *restrict values, int32_t *restrict indices,
         const float *restrict logits, int rows, int experts, int k, int replays) {
    if (replays) {
        gather(values, logits, indices, rows, experts, k);
        return;
    }
    #pragma omp parallel if ((size_t)rows * experts * k > 65536)
    FOR_OWN(block, blocks_of(rows, LANES)) {
        int r = block * LANES, count = smaller(LANES, rows - r);
        const float *x = logits + (size_t)r * experts;
        float *values_r = values + (size_t)r * k;
        int32_t *indices_r = indices + (size_t)r * k;
        if (k == 2) {
            top_rows(values_r, indices_r, x, count, experts, 2);
        } else if (k <= TOP_SMALL) {
            top_rows(values_r, indices_r, x, count, experts, k);
        } else {
            for (int l = 0; l < count; l++) {
                top_row(values_r + l * k, indices_r + l * k, x + (size_t)l * experts,
                        experts, k);
            }
        }
    }
}
