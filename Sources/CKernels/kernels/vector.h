// vector.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_VECTOR_H
#define KERNEL_VECTOR_H

#include "base.h"

// Arithmetic on `floats` is written with C's own operators. The multiply-add is spelled out
// for each target, so that whether it rounds once or twice never depends on the compiler or
// on where an element lies.
#if defined(__AVX512F__)
#include <immintrin.h>
#define LANES 16
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#define LANES 8
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#define LANES 4
#else
#define LANES 4
#endif

typedef float floats __attribute__((vector_size(4 * LANES)));

// The same at any address, beside plain floats.
typedef float floats_anywhere __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

INLINE floats floats_load(const float *from) { return *(const floats_anywhere *)from; }

INLINE void floats_store(float *to, floats a) { *(floats_anywhere *)to = a; }

// Every lane = a.
INLINE floats floats_all(float a) {
#if LANES == 16
    return (floats){a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a};
#elif LANES == 8
    return (floats){a, a, a, a, a, a, a, a};
#else
    return (floats){a, a, a, a};
#endif
}

// a b + c, rounded once wherever the target can.
INLINE floats floats_multiply_add(floats a, floats b, floats c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__AVX2__) && defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

// The square root of every lane, correctly rounded.
INLINE floats floats_root(floats a) {
#if defined(__AVX512F__)
    return _mm512_sqrt_ps(a);
#elif defined(__AVX2__) && defined(__FMA__)
    return _mm256_sqrt_ps(a);
#elif defined(__ARM_NEON) && defined(__aarch64__)
    return vsqrtq_f32(a);
#else
    for (int lane = 0; lane < LANES; lane++) { a[lane] = sqrtf(a[lane]); }
    return a;
#endif
}

#if LANES == 16
INLINE __mmask16 floats_mask(int count) {
    return (__mmask16)(count >= 16 ? 0xffff : count <= 0 ? 0 : (1 << count) - 1);
}
#endif

// The first `count` lanes from memory, 0 in the others; reads nothing beyond them. Any count.
INLINE floats floats_load_some(const float *from, int count) {
#if LANES == 16
    return _mm512_maskz_loadu_ps(floats_mask(count), from);
#else
    if (count >= LANES) { return floats_load(from); }
    floats a = {0};
    for (int lane = 0; lane < count; lane++) { a[lane] = from[lane]; }
    return a;
#endif
}

// The first `count` lanes to memory; writes nothing beyond them. Any count.
INLINE void floats_store_some(float *to, floats a, int count) {
#if LANES == 16
    _mm512_mask_storeu_ps(to, floats_mask(count), a);
#else
    if (count >= LANES) { floats_store(to, a); return; }
    for (int lane = 0; lane < count; lane++) { to[lane] = a[lane]; }
#endif
}

#endif
