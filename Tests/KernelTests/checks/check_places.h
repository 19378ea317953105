// check_places.h: what goes by the places of numbers: heads, positions, masks, copies with other extents.
#include "check.h"
#include "causal_mask.h"
#include "fit.h"
#include "heads.h"
#include "rotary.h"
#include "transpose.h"

static void check_moves(void) {
    int s = 2, h = 3, t = 5, d = 7, count = s * h * t * d;
    float *x = numbers(count), *split = blank(count), *merged = blank(count), *turned = blank(count);
    split_heads(split, x, s, h, t, d);
    merge_heads(merged, split, s, h, t, d);
    transpose(turned, x, s, h * t, d);
    for (int i = 0; i < count; i++) {
        int c = i % d, head = i / d % h, token = i / d / h % t, sequence = i / d / h / t;
        EQUAL(split[((sequence * h + head) * t + token) * d + c], x[i]);
        EQUAL(merged[i], x[i]);
        int row = i / d % (h * t), matrix = i / d / h / t;
        EQUAL(turned[(matrix * d + c) * h * t + row], x[i]);
    }
    // Shorter along one axis, longer along others.
    const int to[] = {3, 2, 9}, from[] = {2, 4, 6};
    float *small = numbers(2 * 4 * 6), *fitted = blank(3 * 2 * 9);
    fit(fitted, small, 3, to, from);
    for (int i = 0; i < 3 * 2 * 9; i++) {
        int c = i % 9, b = i / 9 % 2, a = i / 18;
        EQUAL(fitted[i], a < 2 && c < 6 ? small[(a * 4 + b) * 6 + c] : 0);
    }
    float *square = numbers(2 * 9 * 9), *masked = blank(2 * 9 * 9);
    causal_mask(masked, square, 2, 9, -7);
    for (int i = 0; i < 2 * 81; i++) { EQUAL(masked[i], i % 9 > i / 9 % 9 ? -7 : square[i]); }
    causal_mask(square, square, 2, 9, -7);
    for (int i = 0; i < 2 * 81; i++) { EQUAL(square[i], masked[i]); }
    release();
}

// Positions from `past` on, in a buffer of its own and in place; its last ones again, in a pass of their own.
// Heads from the `turned`-th on stay as they are.
static void check_rotary_of(int heads, int turned, int past, int length, int depth, double base,
                            int kind) {
    int sequences = 2, width = heads * depth, count = sequences * length * width;
    int interleaved = kind & 1, inverse = kind >> 1 & 1, own = length / 2, shared = length - own;
    float *x = numbers(count), *y = blank(count), *same = copy_of(x, count);
    float *last = blank(own * width);
    rotary(y, x, sequences, heads, turned, past, length, depth, base, interleaved, inverse);
    rotary(same, same, sequences, heads, turned, past, length, depth, base, interleaved, inverse);
    rotary(last, x + shared * width, 1, heads, turned, past + shared, own, depth, base, interleaved,
           inverse);
    for (int r = 0; r < sequences * length; r++) {
        for (int i = 0; i < depth / 2; i++) {
            double angle = (past + r % length) * pow(base, -2.0 * i / depth);
            for (int h = 0; h < heads; h++) {
                double c = h < turned ? cos(angle) : 1, s = h < turned ? sin(angle) : 0;
                s = inverse ? -s : s;
                int first = r * width + h * depth + (interleaved ? 2 * i : i);
                int second = interleaved ? first + 1 : first + depth / 2;
                double x1 = (double)x[first], x2 = (double)x[second];
                CLOSE(y[first], x1 * c - x2 * s, 4e-7);
                CLOSE(y[second], x2 * c + x1 * s, 4e-7);
            }
        }
    }
    for (int i = 0; i < count; i++) { EQUAL(same[i], y[i]); }
    for (int i = 0; i < own * width; i++) { EQUAL(last[i], y[shared * width + i]); }
    release();
}

static void check_rotary(void) {
    for (int kind = 0; kind < 4; kind++) {
        FOR_SIZES(pairs, 1) { check_rotary_of(2, 2, 5, 3, 2 * pairs, 10000, kind); }
        for (int past = 0; past < 100; past += 31) {
            for (int length = 0; length < 80; length += 13) {
                check_rotary_of(3, past / 31 % 4, past, length, 6, 500, kind);
            }
        }
        check_rotary_of(1, 1, 100000, 40, 128, 1e6, kind);
        check_rotary_of(5, 5, 99990, 33, 64, 1.5, kind);
        check_rotary_of(6, 4, 3, 33, 80, 1.5, kind);
    }
}

static void check_places(void) {
    check_moves();
    check_rotary();
}
