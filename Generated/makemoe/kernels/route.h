// route.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ROUTE_H
#define KERNEL_ROUTE_H

#include "base.h"

// Gives every kept (token, choice) pair a row, sorted by expert and then by token, so that
// expert e owns the rows start[e] ..< start[e + 1]. Each expert keeps its first `capacity`
// tokens; a negative capacity keeps all.
//
//   indices [tokens, k]    ->    start [experts + 1]    source[row] = token
//                                slot [tokens, k] = row, or -1 where dropped
KERNEL void route(int32_t *restrict start, int32_t *restrict source, int32_t *restrict slot,
                  const int32_t *restrict indices, int tokens, int k, int experts,
                  int capacity) {
    int32_t *count = start + 1;
    int pairs = tokens * k;
    memset(start, 0, ((size_t)experts + 1) * sizeof *start);
    for (int p = 0; p < pairs; p++) {  // slot: the position within the expert, for now
        int e = indices[p];
        int kept = capacity < 0 || count[e] < capacity;
        slot[p] = kept ? count[e] : -1;
        count[e] += kept;
    }
    for (int e = 0; e < experts; e++) { start[e + 1] += start[e]; }
    for (int p = 0; p < pairs; p++) {
        if (slot[p] < 0) { continue; }
        slot[p] += start[indices[p]];
        source[slot[p]] = p / k;
    }
}

enum { BY_POSITION, BY_WEIGHT, BY_CHOICE };

// How many choices of its token come before a pair: those with larger weights, or the same and earlier.
static inline int route_rank(const float *weights, int pair, int k) {
    int first = pair / k * k, rank = 0;
    for (int p = first; p < first + k; p++) {
        rank += weights[p] > weights[pair] || (weights[p] == weights[pair] && p < pair);
    }
    return rank;
}

// Whether an expert keeps pair a rather than b.
static inline int route_prefers(const float *weights, int order, int a, int b, int k) {
    if (order == BY_WEIGHT && weights[a] != weights[b]) { return weights[a] > weights[b]; }
    if (order == BY_CHOICE) {
        int rank_a = route_rank(weights, a, k), rank_b = route_rank(weights, b, k);
        if (rank_a != rank_b) { return rank_a < rank_b; }
    }
    return a < b;
}

// Sorts pairs, those that are kept first, by a heap whose top is the one to be dropped first.
static inline void route_sort(int32_t *pairs, int count, const float *weights, int order, int k) {
    for (int i = count / 2 - 1, end = count; end > 1;) {
        int32_t moved = pairs[i >= 0 ? i : --end];
        int at = larger(i, 0);
        if (i < 0) { pairs[end] = pairs[0]; }
        for (int child = 2 * at + 1; child < end; child = 2 * at + 1) {
            if (child + 1 < end && route_prefers(weights, order, pairs[child], pairs[child + 1], k)) { child++; }
            if (!route_prefers(weights, order, moved, pairs[child], k)) { break; }
            pairs[at] = pairs[child];
            at = child;
        }
        pairs[at] = moved;
        if (i >= 0) { i--; }
    }
}

// As route, but each expert keeps `capacity` tokens of every group of neighbouring tokens: those with the
// largest weights, or those whose first choice it is before those whose second choice it is, or the first ones.
//
//   indices, weights [groups * tokens, k]
KERNEL void route_ranked(int32_t *restrict start, int32_t *restrict source, int32_t *restrict slot,
                         const int32_t *restrict indices, const float *restrict weights, int order,
                         int groups, int tokens, int k, int experts, int capacity) {
    route(start, source, slot, indices, groups * tokens, k, experts, -1);
    for (int p = 0; p < groups * tokens * k; p++) {  // source: pairs, for now
        source[slot[p]] = p;
        slot[p] = -1;
    }
    int kept = 0;
    for (int e = 0; e < experts; e++) {
        int row = start[e], end = start[e + 1];
        start[e] = kept;
        for (int g = 1; g <= groups; g++) {
            int32_t *own = source + row;
            int count = 0;
            while (row + count < end && own[count] < g * tokens * k) { count++; }
            int most = smaller(count, capacity);
            if (most < count) {
                route_sort(own, count, weights, order, k);
                route_sort(own, most, NULL, BY_POSITION, k);
            }
            for (int i = 0; i < most; i++) {  // Rows move towards the beginning.
                slot[own[i]] = kept;
                source[kept++] = own[i];
            }
            row += count;
        }
    }
    start[experts] = kept;
    for (int r = 0; r < kept; r++) { source[r] /= k; }
}

// Which choices have a row.
//
//   slot [count]    ->    y [count]
KERNEL void kept_choices(float *restrict y, const int32_t *restrict slot, int count) {
    for (int i = 0; i < count; i++) { y[i] = slot[i] >= 0; }
}

#endif
