// check_routing.h: the choice of experts, and the way to them and back.
#include "check.h"
#include "combine.h"
#include "dispatch.h"
#include "route.h"
#include "top.c"

// Whether a comes before b: the larger, NaN above all, the lower index among equals.
static int ranks_above(const float *x, int a, int b) {
    int a_nan = isnan(x[a]) != 0, b_nan = isnan(x[b]) != 0;
    if (a_nan != b_nan) { return a_nan; }
    if (a_nan || x[a] == x[b]) { return a < b; }
    return x[a] > x[b];
}

static void check_top_of(int rows, int experts, int k) {
    float *x = numbers(rows * experts), *values = blank(rows * k), *again = blank(rows * k);
    float *d_values = numbers(rows * k), *d_x = blank(rows * experts);
    int32_t *indices = integers(rows * k, 1);
    for (int i = 0; i < rows * experts; i++) {
        // Equal ones, and of several kinds; NaN has a sign too.
        static const float odd[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, -NAN, 0.5f};
        if (draw_below(3) == 0) { x[i] = odd[draw_below(7)]; }
    }
    top(values, indices, x, rows, experts, k, 0);
    top(again, indices, x, rows, experts, k, 1);
    float *looked_up = blank(rows * k);
    scatter(d_x, d_values, indices, rows, experts, k);
    gather(looked_up, x, indices, rows, experts, k);
    for (int r = 0; r < rows; r++) {
        int j = 0;
        for (int e = 0; e < experts; e++) {
            int above = 0;
            for (int other = 0; other < experts; other++) {
                above += other != e && ranks_above(x + r * experts, other, e);
            }
            if (above >= k) {
                EQUAL(d_x[r * experts + e], 0);
                continue;
            }
            CHECK(j < k && indices[r * k + j] == e);
            if (j == k) { break; }
            EQUAL(values[r * k + j], x[r * experts + e]);
            EQUAL(again[r * k + j], x[r * experts + e]);
            EQUAL(looked_up[r * k + j], x[r * experts + e]);
            EQUAL(d_x[r * experts + e], d_values[r * k + j]);
            j++;
        }
        EQUAL(j, k);
    }
    release();
}

// k different experts for each token, ascending.
static int32_t *choices_of(int tokens, int k, int experts) {
    int32_t *indices = integers(tokens * k, 1);
    for (int t = 0; t < tokens; t++) {
        for (int j = 0, e = 0; j < k; e++) {
            int left = experts - e, wanted = k - j;
            if (draw_below(left) < wanted) { indices[t * k + j++] = e; }
        }
    }
    return indices;
}

// How many pairs of its expert and its group of tokens an expert prefers to a pair.
static int pairs_before(const int32_t *indices, const float *weights, int order, int pair, int tokens, int k) {
    int first = pair / (tokens * k) * tokens * k, before = 0;
    for (int p = first; p < first + tokens * k; p++) {
        if (indices[p] != indices[pair] || p == pair) { continue; }
        double a = 0, b = 0;
        if (order == BY_WEIGHT) { a = -(double)weights[p], b = -(double)weights[pair]; }
        for (int j = 0; order == BY_CHOICE && j < k; j++) {
            int of_p = p / k * k + j, of_pair = pair / k * k + j;
            a += weights[of_p] > weights[p] || (weights[of_p] == weights[p] && of_p < p);
            b += weights[of_pair] > weights[pair] || (weights[of_pair] == weights[pair] && of_pair < pair);
        }
        before += a < b || (a == b && p < pair);
    }
    return before;
}

static void check_ranked_of(int groups, int tokens, int k, int experts, int capacity, int order) {
    int pairs = groups * tokens * k, row = 0;
    int32_t *indices = choices_of(groups * tokens, k, experts), *start = integers(experts + 1, 1);
    int32_t *source = integers(pairs, 1), *slot = integers(pairs, 1);
    float *weights = numbers(pairs), *marks = blank(pairs);
    for (int p = 0; p < pairs; p++) { weights[p] = draw_below(3) ? weights[p] : 0.25f; }
    route_ranked(start, source, slot, indices, weights, order, groups, tokens, k, experts, capacity);
    kept_choices(marks, slot, pairs);
    for (int e = 0; e < experts; e++) {
        EQUAL(start[e], row);
        for (int p = 0; p < pairs; p++) {
            if (indices[p] != e) { continue; }
            int kept = pairs_before(indices, weights, order, p, tokens, k) < capacity;
            EQUAL(slot[p], kept ? row : -1);
            EQUAL(marks[p], kept);
            if (kept) { EQUAL(source[row++], p / k); }
        }
    }
    EQUAL(start[experts], row);
    release();
}

static void finish_row(const finish_operands *q, float *y, int row, int rows, int column, int columns) {
    for (int i = 0; i < rows * columns; i++) { y[i] += q->x1[row * q->width + column + i]; }
}

static void check_mixture_of(int tokens, int k, int experts, int capacity, int width) {
    int pairs = tokens * k, count = tokens * width;
    int32_t *indices = choices_of(tokens, k, experts), *start = integers(experts + 1, 1);
    int32_t *source = integers(pairs, 1), *slot = integers(pairs, 1), *given = integers(experts, 1);
    route(start, source, slot, indices, tokens, k, experts, capacity);
    // In order of experts, then of tokens, as far as there is room.
    int row = 0;
    for (int e = 0; e < experts; e++) {
        EQUAL(start[e], row);
        for (int p = 0; p < pairs; p++) {
            if (indices[p] != e) { continue; }
            int kept = capacity < 0 || given[e] < capacity;
            EQUAL(slot[p], kept ? row : -1);
            if (!kept) { continue; }
            EQUAL(source[row], p / k);
            given[e]++, row++;
        }
    }
    EQUAL(start[experts], row);

    float *x = numbers(count), *sorted = blank(pairs * width), *d_x = blank(count);
    float *d_sorted = numbers(row * width), *weights = numbers(pairs), *y = blank(count);
    dispatch(sorted, x, source, start, experts, width);
    for (int i = 0; i < pairs * width; i++) {
        EQUAL(sorted[i], i / width < row ? x[source[i / width] * width + i % width] : NAN);
    }
    dispatch_gradient(d_x, d_sorted, slot, tokens, k, width);
    float *outputs = numbers(row * width), *residual = numbers(count), *added = blank(count);
    combine(y, outputs, weights, slot, tokens, k, width);
    combine_add(added, residual, outputs, weights, slot, tokens, k, width);
    for (int at = 0; at < count; at++) {
        double d = 0, sum = 0;
        for (int j = 0; j < k; j++) {
            int p = at / width * k + j, from = slot[p] * width + at % width;
            if (slot[p] < 0) { continue; }
            d += (double)d_sorted[from];
            sum += (double)weights[p] * (double)outputs[from];
        }
        CLOSE(d_x[at], d, 1e-6 * k);
        CLOSE(y[at], sum, 1e-6 * k);
        CLOSE(added[at], sum + (double)residual[at], 1e-6 * (k + 1));
    }
    float *d_y = numbers(count), *d_outputs = blank(row * width), *d_weights = blank(pairs);
    float *finished = blank(row * width), *same = blank(pairs), *beside = numbers(row * width);
    finish_operands operands = {.width = width, .x1 = beside};
    combine_gradient(d_outputs, d_weights, d_y, outputs, weights, slot, tokens, k, width);
    combine_gradient_finished(finished, same, d_y, outputs, weights, slot, tokens, k, width,
                              finish_row, &operands);
    for (int p = 0; p < pairs; p++) {
        double dot = 0;
        for (int c = 0; slot[p] >= 0 && c < width; c++) {
            int at = slot[p] * width + c;
            double d = (double)d_y[p / k * width + c];
            dot += (double)outputs[at] * d;
            CLOSE(d_outputs[at], (double)weights[p] * d, 1e-6);
            CLOSE(finished[at], (double)weights[p] * d + (double)beside[at], 1e-6);
        }
        CLOSE(d_weights[p], dot, 1e-5);
        EQUAL(same[p], d_weights[p]);
    }
    release();
}

static void check_routing(void) {
    for (int order = BY_POSITION; order <= BY_CHOICE; order++) {
        for (int capacity = 0; capacity < 12; capacity += 1 + capacity / 3) {
            check_ranked_of(1, 37, 2, 4, capacity, order);
            check_ranked_of(3, 9, 3, 5, capacity, order);
            check_ranked_of(2, 1, 1, 1, capacity, order);
            check_ranked_of(1, 20, 3, 3, capacity, order);
        }
    }
    static const int experts[] = {1, 2, 3, 8, 17};
    for (size_t i = 0; i < sizeof experts / sizeof *experts; i++) {
        for (int k = 1; k <= experts[i]; k += k < 3 ? 1 : 4) {
            FOR_SIZES(rows, 0) { check_top_of(rows, experts[i], k); }
            FOR_SIZES(tokens, 0) { check_mixture_of(tokens, k, experts[i], -1, 3); }
            check_mixture_of(2 * LANES + 3, k, experts[i], 4, LANES + 1);
            check_mixture_of(5, k, experts[i], 0, 2);
        }
    }
    FOR_SIZES(width, 1) { check_mixture_of(7, 2, 4, 3, width); }
    check_mixture_of(6, 2, 5, -1, 4 * LANES * 2 + 5);
}
