// shares.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_SHARES_H
#define KERNEL_SHARES_H

#include "threads.h"

// Work is cut into this many equal shares, far more than threads. Shapes and routing alone
// decide what a share is; who does it changes no result.
#define SHARES 120

// Shares first ..< end are left of a part: one number, so that both change at once. Each part
// has a cache line of its own.
typedef struct {
    _Alignas(64) uint64_t first_end;
} share_part;

// Every thread has a part of the shares, which lie one after the other, so that it finds in
// its cache what it made of the same rows in the step before. When its own are done, it
// helps the others from the end of theirs.
#define PARTS 32
typedef struct {
    share_part part[PARTS];
    int parts;
    int count;  // of shares: one alone for a thread that has all to itself
} work_shares;

// Deals out the work of `calls` kernel calls, for the team of the next parallel region.
KERNEL void deal_shares(work_shares *s, int calls) {
    int parts = omp_in_parallel() ? 1 : smaller(larger(omp_get_max_threads(), 1), PARTS);
    int count = parts == 1 ? 1 : SHARES;
    for (; calls > 0; calls--, s++) {
        s->parts = parts;
        s->count = count;
        for (int i = 0; i < parts; i++) {
            uint64_t first = (uint64_t)block_start(i, count, parts);
            uint64_t end = (uint64_t)block_start(i + 1, count, parts);
            s->part[i].first_end = first << 32 | end;
        }
    }
}

// Shares first ..< end; none if they are equal.
typedef struct {
    int first, end;
} share_range;

// Takes shares of a part: from its front a quarter of what is left, so that a thread asks
// seldom and leaves small pieces for the end; from its back one.
INLINE share_range take_from(share_part *part, int front) {
    uint64_t left = __atomic_load_n(&part->first_end, __ATOMIC_RELAXED);
    for (;;) {
        int first = (int)(left >> 32), end = (int)(left & 0xffffffff);
        if (first >= end) { return (share_range){0, 0}; }
        int some = (end - first + 3) / 4;
        uint64_t rest = front ? left + ((uint64_t)some << 32) : left - 1;
        if (__atomic_compare_exchange_n(&part->first_end, &left, rest, 0,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            return front ? (share_range){first, first + some} : (share_range){end - 1, end};
        }
    }
}

// Takes the calling thread's next shares; 0: there are none left.
KERNEL int take_shares(work_shares *s, share_range *taken) {
    int own = omp_get_thread_num() % s->parts;
    *taken = take_from(&s->part[own], 1);
    for (int i = 1; taken->first == taken->end && i < s->parts; i++) {
        *taken = take_from(&s->part[(own + i) % s->parts], 0);
    }
    return taken->first < taken->end;
}

#endif
