// angles.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ANGLES_H
#define KERNEL_ANGLES_H

#include "base.h"

// Functions of one angle, written as those of scalar_math.h are.

// sin(x + shift pi / 2). The nearest multiple of pi / 2, n of them, is taken away in double
// precision and in three parts, of which two have so few bits that their products with n are
// exact; what is left is at most pi / 4 and has a polynomial for the sine and one for the cosine.
// Beyond 2^31, where floats are 256 apart, the result is some number from -1 to 1.
static inline float sine_f(float x, int shift) {
    const double magic = 6755399441055744.0;  // 1.5 * 2^52 rounds to a whole number
    double wide = (double)x, rounded = wide * 0.6366197723675814 + magic, n = rounded - magic;
    double rest = wide - n * 1.570796012878418;
    rest = rest - n * 3.139164164167596e-07 - n * 6.223372171896613e-14;
    uint64_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    int quarter = (int)(uint32_t)bits + shift;
    float r = (float)rest;
    r = r > 0.7854f ? 0.7854f : r;
    r = r < -0.7854f ? -0.7854f : r;
    float z = r * r;
    float s = 2.7181143e-06f;
    s = s * z - 0.00019839311f;
    s = s * z + 0.008333329f;
    s = s * z - 0.16666667f;
    float c = 2.4433082e-05f;
    c = c * z - 0.0013887315f;
    c = c * z + 0.041666646f;
    float sine = r + r * z * s, cosine = (1.0f - 0.5f * z) + z * z * c;
    float y = quarter & 1 ? cosine : sine;
    return quarter & 2 ? -y : y;
}

// The sine and the cosine of an angle in radians; of an infinite one NaN. Error: 1.6 ulp.
KERNEL inline float sin_f(float x) { return sine_f(x, 0); }
KERNEL inline float cos_f(float x) { return sine_f(x, 1); }

#endif
