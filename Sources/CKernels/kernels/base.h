// base.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_BASE_H
#define KERNEL_BASE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// KERNEL: a function that a model may or may not call.
// INLINE: one that is only fast once its constant arguments are known.
// OUTLINE: a hot loop kept as one copy, whoever calls it.
// EXTERN: one that is compiled by itself, in a .c file, and no name of the library's.
#define KERNEL static __attribute__((unused))
#define INLINE static inline __attribute__((always_inline, unused))
#define OUTLINE static __attribute__((noinline, unused))
#define EXTERN __attribute__((visibility("hidden")))

// Checked builds keep loops as they are: unrolled and instrumented they would take minutes
// to compile.
#if defined(__SANITIZE_ADDRESS__)
#define CHECKED_BUILD
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(undefined_behavior_sanitizer)
#define CHECKED_BUILD
#endif
#endif

// Before a short loop over registers: its trip count is a constant.
#if defined(CHECKED_BUILD)
#define UNROLL
#elif defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// Small loops need not become vectors, and clang need not say so.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"
#endif

// Without -fopenmp the pragmas are comments, and everything runs on one thread.
#ifndef _OPENMP
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#endif

static inline int smaller(int a, int b) { return a < b ? a : b; }
static inline int larger(int a, int b) { return a > b ? a : b; }

// How many blocks of at most `size` hold `count` elements.
static inline int blocks_of(int count, int size) { return (count + size - 1) / size; }

// First element of block k when `count` elements are cut evenly: sizes differ by at most one.
static inline int block_start(int k, int count, int blocks) {
    return blocks ? (int)((int64_t)k * count / blocks) : 0;
}

#endif
