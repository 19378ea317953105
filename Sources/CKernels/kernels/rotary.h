// rotary.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ROTARY_H
#define KERNEL_ROTARY_H

#include "threads.h"
#include "vector.h"

// Sines and cosines in double precision take longer than what they are for, so that few are
// computed: of the first position of each ROTARY_POSITIONS, from which the others are small
// turns. What a position gets depends on it alone, wherever a pass begins.
#define ROTARY_POSITIONS 32

// Pairs of a head that are gone through together.
#define ROTARY_PAIRS 32

typedef struct {
    int pairs;
    int block;  // the angles are those of positions block * ROTARY_POSITIONS ...; -1: of none
    double turn[ROTARY_PAIRS];  // radians from a position to the next
    double turn_cosine[ROTARY_POSITIONS][ROTARY_PAIRS];  // of as many turns
    double turn_sine[ROTARY_POSITIONS][ROTARY_PAIRS];
    float cosine[ROTARY_POSITIONS][ROTARY_PAIRS];
    float sine[ROTARY_POSITIONS][ROTARY_PAIRS];
    double amplitude;  // of both
} rotary_angles;

// Positions scaled to a longer context: of pair i, which turns by f otherwise, the share s of its turn is divided by
// the factor.
//
//   s = (none - x) / (none - full), from 0 to 1    x = i, or with a context its turns in that, context f / 2 pi
typedef struct {
    double factor, amplitude;  // sines and cosines are multiplied by it
    double none, full;         // equal: all pairs are scaled
    double context;            // 0: there is none
} rotary_scaling;

// Radians from a position to the next: base^(-2 i / depth), or as they are scaled.
static inline double rotary_turn_of(int pair, int depth, double base, const rotary_scaling *scaling) {
    const double f = pow(base, -2.0 * pair / depth);
    if (!scaling) { return f; }
    const double x = scaling->context > 0 ? scaling->context * f / 6.283185307179586 : pair;
    double s = scaling->none == scaling->full ? 1 : (scaling->none - x) / (scaling->none - scaling->full);
    s = s < 0 ? 0 : s > 1 ? 1 : s;
    return f * (1 - s + s / scaling->factor);
}

// The turns of pairs first ..< first + pairs.
OUTLINE void rotary_turns(rotary_angles *a, int first, int pairs, int depth, double base,
                          const rotary_scaling *scaling) {
    a->pairs = pairs;
    a->block = -1;
    a->amplitude = scaling ? scaling->amplitude : 1;
    for (int i = 0; i < pairs; i++) {
        a->turn[i] = rotary_turn_of(first + i, depth, base, scaling);
        a->turn_cosine[0][i] = 1;
        a->turn_sine[0][i] = 0;
        a->turn_cosine[1][i] = cos(a->turn[i]);
        a->turn_sine[1][i] = sin(a->turn[i]);
    }
    const double *cosine = a->turn_cosine[1], *sine = a->turn_sine[1];
    for (int t = 2; t < ROTARY_POSITIONS; t++) {
        const double *cosine_t = a->turn_cosine[t - 1], *sine_t = a->turn_sine[t - 1];
        for (int i = 0; i < pairs; i++) {
            a->turn_cosine[t][i] = cosine_t[i] * cosine[i] - sine_t[i] * sine[i];
            a->turn_sine[t][i] = sine_t[i] * cosine[i] + cosine_t[i] * sine[i];
        }
    }
}

// Cosines and sines of a block's positions from ..< end, sines with the other sign if inverse.
OUTLINE void rotary_angles_of(rotary_angles *a, int block, int from, int end, int inverse) {
    double cosines[ROTARY_PAIRS], sines[ROTARY_PAIRS], sign = inverse ? -1 : 1;
    a->block = block;
    for (int i = 0; i < a->pairs; i++) {
        double angle = (double)block * ROTARY_POSITIONS * a->turn[i];
        cosines[i] = a->amplitude * cos(angle);
        sines[i] = a->amplitude * sin(angle);
    }
    for (int t = from; t < end; t++) {
        const double *cosine = a->turn_cosine[t], *sine = a->turn_sine[t];
        for (int i = 0; i < a->pairs; i++) {
            a->cosine[t][i] = (float)(cosines[i] * cosine[i] - sines[i] * sine[i]);
            a->sine[t][i] = (float)(sign * (sines[i] * cosine[i] + cosines[i] * sine[i]));
        }
    }
}

// y1 = x1 cosine - x2 sine, y2 = x2 cosine + x1 sine; y1 and y2 may be x1 and x2.
INLINE void rotary_turn(float *y1, float *y2, const float *x1, const float *x2,
                        const float *cosine, const float *sine, int pairs) {
    for (int i = 0; i < pairs; i += LANES) {
        int count = pairs - i;
        floats c = floats_load_some(cosine + i, count), s = floats_load_some(sine + i, count);
        floats a = floats_load_some(x1 + i, count), b = floats_load_some(x2 + i, count);
        floats a_s = a * s, b_s = b * s;
        floats_store_some(y1 + i, floats_multiply_add(a, c, -b_s), count);
        floats_store_some(y2 + i, floats_multiply_add(b, c, a_s), count);
    }
}

// The same of pairs that lie side by side in x and y.
INLINE void rotary_turn_interleaved(float *y, const float *x, const float *cosine,
                                    const float *sine, int pairs) {
    float x1[ROTARY_PAIRS], x2[ROTARY_PAIRS];
    for (int i = 0; i < pairs; i++) {
        x1[i] = x[2 * i];
        x2[i] = x[2 * i + 1];
    }
    rotary_turn(x1, x2, x1, x2, cosine, sine, pairs);
    for (int i = 0; i < pairs; i++) {
        y[2 * i] = x1[i];
        y[2 * i + 1] = x2[i];
    }
}

// Pairs first ..< first + pairs of every head of a row.
INLINE void rotary_row(float *y, const float *x, const float *cosine, const float *sine,
                       int heads, int depth, int first, int pairs, int interleaved) {
    for (int h = 0; h < heads; h++, x += depth, y += depth) {
        if (interleaved) {
            rotary_turn_interleaved(y + 2 * first, x + 2 * first, cosine, sine, pairs);
        } else {
            int second = depth / 2 + first;
            rotary_turn(y + first, y + second, x + first, x + second, cosine, sine, pairs);
        }
    }
}

// rotary, with positions as they are scaled, if they are.
KERNEL void rotary_scaled(float *y, const float *x, int sequences, int heads, int turned, int past, int length,
                          int depth, double base, int interleaved, int inverse, const rotary_scaling *scaling) {
    int end = past + length, before = past / ROTARY_POSITIONS;
    int blocks = blocks_of(end, ROTARY_POSITIONS) - before;
    size_t width = (size_t)heads * depth;
    #pragma omp parallel if ((size_t)sequences * length * width > 4096)
    for (int first = 0; first < depth / 2; first += ROTARY_PAIRS) {
        int pairs = smaller(depth / 2 - first, ROTARY_PAIRS);
        rotary_angles angles;
        rotary_turns(&angles, first, pairs, depth, base, scaling);
        FOR_OWN(n, blocks * sequences) {
            int block = before + n / sequences, start = block * ROTARY_POSITIONS;
            int from = larger(past - start, 0), to = smaller(end - start, ROTARY_POSITIONS);
            if (angles.block != block) { rotary_angles_of(&angles, block, from, to, inverse); }
            for (int t = from; t < to; t++) {
                int row = start + t - past;
                size_t at = ((size_t)(n % sequences) * length + (size_t)row) * width;
                const float *cosine = angles.cosine[t], *sine = angles.sine[t];
                if (pairs == ROTARY_PAIRS) {
                    rotary_row(y + at, x + at, cosine, sine, turned, depth, first,
                               ROTARY_PAIRS, interleaved);
                } else {
                    rotary_row(y + at, x + at, cosine, sine, turned, depth, first, pairs,
                               interleaved);
                }
                if (first == 0 && turned < heads && y != x) {
                    size_t rest = (size_t)turned * (size_t)depth;
                    memcpy(y + at + rest, x + at + rest, sizeof *y * (width - rest));
                }
            }
        }
    }
}

// Turns each pair of a head's numbers by an angle that grows with the position.
//
//   y1 = x1 cos a - x2 sin a    y2 = x2 cos a + x1 sin a    a = t base^(-2 i / depth)
//
//   x, y [sequences, length, heads * depth], of positions t from `past` on; y may be x
//   the first `turned` heads are; the others stay as they are
//   pair i: numbers i and i + depth / 2 of a head, or 2 i and 2 i + 1 if interleaved
//   inverse: by -a
KERNEL void rotary(float *y, const float *x, int sequences, int heads, int turned, int past,
                   int length, int depth, double base, int interleaved, int inverse) {
    rotary_scaled(y, x, sequences, heads, turned, past, length, depth, base, interleaved, inverse, NULL);
}

#endif
