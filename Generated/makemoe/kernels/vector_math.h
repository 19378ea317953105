// vector_math.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_VECTOR_MATH_H
#define KERNEL_VECTOR_MATH_H

#include "vector.h"
#include "scalar_math.h"

// What loops over `floats` need besides arithmetic. It is spelled out in vectors because not
// every compiler finds them in loops over floats that hold comparisons and shifts.

typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

// 0, 1, 2 ... in the lanes.
INLINE ints ints_count(void) {
#if LANES == 16
    return (ints){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif LANES == 8
    return (ints){0, 1, 2, 3, 4, 5, 6, 7};
#else
    return (ints){0, 1, 2, 3};
#endif
}

// A comparison gives -1 in the lanes where it holds and 0 in the others: a from those, b from
// these.
INLINE ints ints_select(ints where, ints a, ints b) { return (a & where) | (b & ~where); }

INLINE floats floats_select(ints where, floats a, floats b) {
    return (floats)ints_select(where, (ints)a, (ints)b);
}

// a > b ? a : b; NaN in a is passed over.
INLINE floats floats_max(floats a, floats b) {
#if defined(__AVX512F__)
    return _mm512_max_ps(a, b);
#elif defined(__AVX2__) && defined(__FMA__)
    return _mm256_max_ps(a, b);
#else
    return floats_select(a > b, a, b);
#endif
}

// e^x for x <= 88; 0 below -87, where floats end. With n = round(x / ln 2) and a polynomial
// for the rest, like exp_f, but 2^n is applied at once: the sum that rounds leaves n + 127,
// the exponent's bits, in its lowest ones. Error: 1.1 ulp. NaN gives NaN.
INLINE floats floats_exp(floats x) {
    const floats magic = floats_all(ROUND_MAGIC + 127.0f);
    floats rounded = floats_multiply_add(x, floats_all(LOG2_E), magic);
    floats n = rounded - magic;
    floats r = floats_multiply_add(n, floats_all(-LN2_HIGH), x);
    r = floats_multiply_add(n, floats_all(-LN2_LOW), r);
    floats q = floats_all(0.00138207758f);
    q = floats_multiply_add(q, r, floats_all(0.00836924929f));
    q = floats_multiply_add(q, r, floats_all(0.041668281f));
    q = floats_multiply_add(q, r, floats_all(0.166665167f));
    q = floats_multiply_add(q, r, floats_all(0.49999994f));
    q = floats_multiply_add(q, r * r, r);
    floats y = (q + 1.0f) * (floats)((words)rounded << 23);
    return floats_select(x < floats_all(-87.0f), (floats){0}, y);
}

// 2^x for x <= 127; 0 below -126, where floats end. What floats_exp does, without the way to
// base 2 and back, and with one term less. Error: 2.1 ulp; 2.3 without fused multiply-add. NaN
// gives NaN.
INLINE floats floats_exp2(floats x) {
    const floats magic = floats_all(ROUND_MAGIC + 127.0f);
    floats rounded = x + magic;
    floats r = x - (rounded - magic);
    floats q = floats_all(0.0013264727f);
    q = floats_multiply_add(q, r, floats_all(0.009671513f));
    q = floats_multiply_add(q, r, floats_all(0.055507336f));
    q = floats_multiply_add(q, r, floats_all(0.24022242f));
    q = floats_multiply_add(q, r, floats_all(0.693147f));
    q = floats_multiply_add(q, r, floats_all(1.0f));
    floats y = q * (floats)((words)rounded << 23);
    return floats_select(x < floats_all(-126.0f), (floats){0}, y);
}

// tanh x, as tanh_f: the numerator e^2|x| - 1 is formed without cancellation. Error: 3 ulp. NaN
// gives NaN.
INLINE floats floats_tanh(floats x) {
    const floats magic = floats_all(ROUND_MAGIC);
    words sign = (words)x & 0x80000000u;
    floats y = 2.0f * (floats)((words)x & 0x7fffffffu);
    y = floats_select(y > floats_all(20.0f), floats_all(20.0f), y);
    floats rounded = floats_multiply_add(y, floats_all(LOG2_E), magic), n = rounded - magic;
    floats r = floats_multiply_add(n, floats_all(-LN2_HIGH), y);
    r = floats_multiply_add(n, floats_all(-LN2_LOW), r);
    floats q = floats_all(0.00138207758f);
    q = floats_multiply_add(q, r, floats_all(0.00836924929f));
    q = floats_multiply_add(q, r, floats_all(0.041668281f));
    q = floats_multiply_add(q, r, floats_all(0.166665167f));
    q = floats_multiply_add(q, r, floats_all(0.49999994f));
    q = floats_multiply_add(q, r * r, r);
    floats power = (floats)(((words)rounded - ROUND_MAGIC_BITS + 127) << 23);
    floats numerator = floats_multiply_add(power, q, power - 1.0f);
    return (floats)((words)(numerator / (numerator + 2.0f)) | sign);
}

#if defined(__clang__)
#define FLOATS_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define FLOATS_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (ints){__VA_ARGS__})
#endif

// Shuffles see a vector as parts of 4 lanes, as machines move floats within a part faster
// than from part to part. In every part: a[0], b[0], a[1], b[1].
INLINE floats floats_zip_low(floats a, floats b) {
#if LANES == 16
    return FLOATS_SHUFFLE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
#elif LANES == 8
    return FLOATS_SHUFFLE(a, b, 0, 8, 1, 9, 4, 12, 5, 13);
#else
    return FLOATS_SHUFFLE(a, b, 0, 4, 1, 5);
#endif
}

// In every part: a[2], b[2], a[3], b[3].
INLINE floats floats_zip_high(floats a, floats b) {
#if LANES == 16
    return FLOATS_SHUFFLE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
#elif LANES == 8
    return FLOATS_SHUFFLE(a, b, 2, 10, 3, 11, 6, 14, 7, 15);
#else
    return FLOATS_SHUFFLE(a, b, 2, 6, 3, 7);
#endif
}

// The parts of even number of a, then those of b. One part alone has no second: a.
INLINE floats floats_even_parts(floats a, floats b) {
#if LANES == 16
    return FLOATS_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
#elif LANES == 8
    return FLOATS_SHUFFLE(a, b, 0, 1, 2, 3, 8, 9, 10, 11);
#else
    (void)b;
    return a;
#endif
}

// The parts of odd number of a, then those of b.
INLINE floats floats_odd_parts(floats a, floats b) {
#if LANES == 16
    return FLOATS_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
#elif LANES == 8
    return FLOATS_SHUFFLE(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
#else
    (void)a;
    return b;
#endif
}

// The sum of the lanes, folded in halves.
INLINE float floats_sum(floats a) {
    typedef float four __attribute__((vector_size(16)));
    four part[LANES / 4];
#if LANES == 16
    typedef float eight __attribute__((vector_size(32)));
    eight half[2];
    memcpy(half, &a, sizeof half);
    half[0] += half[1];
    memcpy(part, half, 2 * sizeof *part);
    part[0] += part[1];
#else
    memcpy(part, &a, sizeof part);
    if (LANES == 8) { part[0] += part[LANES / 4 - 1]; }
#endif
    return (part[0][0] + part[0][2]) + (part[0][1] + part[0][3]);
}

// The largest lane; NaN is passed over unless there is nothing else.
INLINE float floats_largest(floats a) {
    UNROLL
    for (int part = 1; part < LANES / 4; part *= 2) {
        a = floats_max(floats_even_parts(a, a), floats_odd_parts(a, a));
    }
    UNROLL
    for (int round = 0; round < 2; round++) {
        a = floats_max(floats_zip_low(a, a), floats_zip_high(a, a));
    }
    return a[0];
}

// Transposes squares of 4 within the parts: rows i ..< i + 4 become their parts' columns.
INLINE void floats_transpose_parts(floats *rows) {
    UNROLL
    for (int round = 0; round < 2; round++) {
        floats a = rows[0], b = rows[1], c = rows[2], d = rows[3];
        rows[0] = floats_zip_low(a, c);
        rows[1] = floats_zip_high(a, c);
        rows[2] = floats_zip_low(b, d);
        rows[3] = floats_zip_high(b, d);
    }
}

// Transposes a square of LANES rows: first within the parts, then the parts as wholes. Each
// round of these parts those of even number from the odd.
INLINE void floats_transpose(floats *rows) {
    UNROLL
    for (int i = 0; i < LANES; i += 4) { floats_transpose_parts(rows + i); }
    UNROLL
    for (int round = 4; round < LANES; round *= 2) {
        floats even[LANES / 2], odd[LANES / 2];
        UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            int from = i / 4 * 8 + i % 4;
            even[i] = floats_even_parts(rows[from], rows[from + 4]);
            odd[i] = floats_odd_parts(rows[from], rows[from + 4]);
        }
        UNROLL
        for (int i = 0; i < LANES / 2; i++) {
            rows[i] = even[i];
            rows[i + LANES / 2] = odd[i];
        }
    }
}

#endif
