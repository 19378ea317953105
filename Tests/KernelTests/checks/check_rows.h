// check_rows.h: reductions over rows, and what works row by row.
#include "check.h"
#include "columns.h"
#include "cross_entropy.h"
#include "embedding.h"
#include "layer_norm.c"
#include "numbers.h"
#include "panel_embedding.h"
#include "rms_norm.h"
#include "softmax.c"
#include "sum.h"

static void check_reductions(void) {
    FOR_SIZES(n, 0) {
        float *x = numbers(n), *y = numbers(n), *power = blank(n), *scaled = copy_of(x, n);
        double sum = 0, dot = 0, deviation = 0, most = -INFINITY, exps = 0;
        for (int i = 0; i < n; i++) {
            double a = (double)x[i], from = a - 0.25;
            sum += a;
            dot += a * (double)y[i];
            deviation += from * from;
            most = fmax(most, a);
            exps += 3 * exp(a - 0.5);
        }
        CLOSE(row_sum(x, n), sum, 1e-5);
        CLOSE(row_dot(x, y, n), dot, 1e-5);
        CLOSE(row_squared_deviation(x, 0.25f, n), deviation, 2e-5);
        EQUAL(row_max(x, n), most);
        CLOSE(row_exp(power, x, 0.5f, 3, n), exps, 1e-4);
        CLOSE(row_exp(NULL, x, 0.5f, 3, n), exps, 1e-4);
        row_scale(scaled, 0.3f, n);
        for (int i = 0; i < n; i++) {
            CLOSE(power[i], 3 * exp((double)x[i] - 0.5), 1e-6);
            EQUAL(scaled[i], x[i] * 0.3f);
        }
        if (n > 1) {
            x[n / 2] = NAN;
            most = -INFINITY;
            for (int i = 0; i < n; i++) { most = i == n / 2 ? most : fmax(most, (double)x[i]); }
            EQUAL(row_max(x, n), most);
            CHECK(isnan(row_sum(x, n)));
        }
        release();
    }
}

static void check_sums(void) {
    FOR_SIZES(rows, 0) FOR_SIZES(width, 0) {
        float *x = numbers(rows * width), *leading = blank(width), *trailing = blank(rows);
        sum_leading(leading, x, rows, width);
        sum_trailing(trailing, x, rows, width);
        for (int c = 0; c < width; c++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) { sum += (double)x[r * width + c]; }
            CLOSE(leading[c], sum, 1e-5);
        }
        for (int r = 0; r < rows; r++) {
            double sum = 0;
            for (int c = 0; c < width; c++) { sum += (double)x[r * width + c]; }
            CLOSE(trailing[r], sum, 1e-5);
        }
        float *both = numbers(2 * rows * width), *between = blank(2 * width);
        sum_between(between, both, 2, rows, width);
        for (int i = 0; i < 2 * width; i++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                sum += (double)both[(i / width * rows + r) * width + i % width];
            }
            CLOSE(between[i], sum, 1e-5);
        }
        release();
    }
}

static void check_columns_of(int rows, int width, int start, int columns) {
    float *x = numbers(rows * width), *part = blank(rows * columns), *y = copy_of(x, rows * width);
    float *placed = numbers(rows * columns);
    slice_columns(part, x, rows, width, start, columns);
    place_columns(y, placed, rows, width, start, columns);
    for (int i = 0; i < rows * width; i++) {
        int r = i / width, c = i % width - start;
        if (c < 0 || c >= columns) {
            EQUAL(y[i], x[i]);
            continue;
        }
        EQUAL(part[r * columns + c], x[i]);
        EQUAL(y[i], placed[r * columns + c]);
    }
    release();
}

static void check_softmax_of(int rows, int width) {
    float *x = numbers(rows * width), *y = blank(rows * width);
    float *d_y = numbers(rows * width), *d_x = blank(rows * width);
    for (int i = 0; i < rows * width; i++) { x[i] *= 10; }
    if (rows > 1 && width > 1) { x[width + 1] = -INFINITY; }
    softmax(y, x, rows, width);
    softmax_gradient(d_x, d_y, y, rows, width);
    for (int r = 0; r < rows; r++) {
        const float *x_r = x + r * width, *y_r = y + r * width, *d = d_y + r * width;
        double most = -INFINITY, sum = 0, mean = 0;
        for (int i = 0; i < width; i++) { most = fmax(most, (double)x_r[i]); }
        for (int i = 0; i < width; i++) { sum += exp((double)x_r[i] - most); }
        for (int i = 0; i < width; i++) { mean += (double)y_r[i] * (double)d[i]; }
        for (int i = 0; i < width; i++) {
            CLOSE(y_r[i], exp((double)x_r[i] - most) / sum, 1e-6);
            CLOSE(d_x[r * width + i], (double)y_r[i] * ((double)d[i] - mean), 1e-6);
        }
    }
    release();
}

// Which rows are ignored: none, every third, all but the last, all.
static int is_ignored(int pattern, int r, int rows) {
    return pattern == 1 ? r % 3 == 1 : pattern == 2 ? r < rows - 1 : pattern == 3;
}

static void check_cross_entropy_of(int rows, int width, int pattern) {
    float *x = numbers(rows * width), *d = blank(rows * width), *counted = blank(rows);
    float *maximum = blank(rows), *sum = blank(rows);
    int32_t *targets = integers(rows, width);
    double loss = 0;
    int count = 0;
    for (int r = 0; r < rows; r++) {
        if (is_ignored(pattern, r, rows)) { targets[r] = -100; }
        count += targets[r] >= 0;
    }
    CHECK(isfinite(cross_entropy(maximum, sum, x, targets, rows, width)));
    cross_entropy_gradient(d, 2, x, maximum, sum, targets, rows, width);
    counted_targets(counted, targets, rows);
    for (int r = 0; r < rows; r++) {
        double all = 0;
        int ignored = is_ignored(pattern, r, rows);
        for (int i = 0; i < width; i++) { all += exp((double)x[r * width + i]); }
        if (!ignored) { loss += log(all) - (double)x[r * width + targets[r]]; }
        for (int i = 0; i < width; i++) {
            double share = exp((double)x[r * width + i]) / all - (i == targets[r]);
            CLOSE(d[r * width + i], ignored ? 0 : 2 * share / count, ignored ? 0 : 1e-6);
        }
        EQUAL(counted[r], !ignored);
    }
    CLOSE(cross_entropy(maximum, sum, x, targets, rows, width), count ? loss / count : 0, 1e-5);
    CHECK(count_targets(targets, rows) == count);
    x[rows * width - 1] = NAN;
    CHECK(isnan(cross_entropy(maximum, sum, x, targets, rows, width)));
    release();
}

static void check_norm_of(int rows, int width, double size) {
    const double epsilon = 1e-5;
    int count = rows * width;
    float *x = numbers(count), *w = numbers(width), *b = numbers(width), *y = blank(count);
    float *mean = blank(rows), *rstd = blank(rows), *d_y = numbers(count), *d_x = blank(count);
    float *residual = numbers(count), *d_w = blank(width), *d_b = blank(width), *only = blank(count);
    for (int i = 0; i < count; i++) { x[i] *= (float)size; }
    layer_norm(y, mean, rstd, x, w, b, rows, width, (float)epsilon);
    layer_norm_input_gradient(d_x, d_y, x, w, mean, rstd, residual, rows, width);
    layer_norm_input_gradient(only, d_y, x, w, mean, rstd, NULL, rows, width);
    layer_norm_weight_gradient(d_w, d_b, d_y, x, mean, rstd, rows, width, NULL);
    float *d_w_alone = blank(width), *zeros = blank(width), *plain = blank(rows * width);
    float *unbiased = blank(rows * width);
    memset(zeros, 0, (size_t)width * sizeof *zeros);
    layer_norm_weight_gradient(d_w_alone, NULL, d_y, x, mean, rstd, rows, width, NULL);
    for (int c = 0; c < width; c++) { EQUAL(d_w_alone[c], d_w[c]); }
    layer_norm(plain, mean, rstd, x, w, zeros, rows, width, (float)epsilon);
    layer_norm(unbiased, mean, rstd, x, w, NULL, rows, width, (float)epsilon);
    for (int i = 0; i < rows * width; i++) { EQUAL(unbiased[i], plain[i]); }
    double *sum_w = room(sizeof *sum_w * (size_t)width), *sum_b = room(sizeof *sum_b * (size_t)width);
    for (int c = 0; c < width; c++) { sum_w[c] = sum_b[c] = 0; }
    for (int r = 0; r < rows; r++) {
        const float *x_r = x + r * width, *d_r = d_y + r * width;
        double m = 0, variance = 0, g_mean = 0, gn_mean = 0;
        for (int c = 0; c < width; c++) { m += (double)x_r[c] / width; }
        for (int c = 0; c < width; c++) { variance += pow((double)x_r[c] - m, 2) / width; }
        double s = 1 / sqrt(variance + epsilon);
        CLOSE(mean[r], m, 1e-6 * size);
        CLOSE(rstd[r], s, 1e-5 * s);
        for (int c = 0; c < width; c++) {
            double g = (double)d_r[c] * (double)w[c], n = ((double)x_r[c] - m) * s;
            g_mean += g / width;
            gn_mean += g * n / width;
            sum_w[c] += (double)d_r[c] * n;
            sum_b[c] += (double)d_r[c];
            CLOSE(y[r * width + c], n * (double)w[c] + (double)b[c], 1e-5);
        }
        for (int c = 0; c < width; c++) {
            double g = (double)d_r[c] * (double)w[c], n = ((double)x_r[c] - m) * s;
            double d = s * (g - g_mean - n * gn_mean);
            CLOSE(only[r * width + c], d, 2e-5 * (s + 1));
            CLOSE(d_x[r * width + c], d + (double)residual[r * width + c], 2e-5 * (s + 1));
        }
    }
    for (int c = 0; c < width; c++) {
        CLOSE(d_w[c], sum_w[c], 2e-5 * (rows + 1));
        CLOSE(d_b[c], sum_b[c], 1e-5);
    }
    release();
}

static void check_norms(void) {
    FOR_SIZES(width, 1) for (int rows = 0; rows <= 9; rows += 3) { check_norm_of(rows, width, 1); }
    for (int width = 64; width <= 256; width *= 2) { check_norm_of(5, width, 3); }
    check_norm_of(3, 4 * LANES * 2 + 3, 1);
    check_norm_of(5, LANES + 3, 1e25);  // squares are infinite as floats
}

// All rows together, or cut between experts, of which some have none.
static void check_rms_norm_of(int rows, int width, int experts, double size, int weighted) {
    const double epsilon = 1e-5;
    int count = rows * width, all = larger(experts, 1) * width;
    float *x = numbers(count), *w = weighted ? numbers(all) : NULL, *y = blank(count);
    float *rstd = blank(rows), *d_y = numbers(count), *d_x = blank(count), *only = blank(count);
    float *residual = numbers(count), *d_w = blank(all);
    int32_t *start = integers(experts + 1, rows + 1);
    start[0] = 0;
    for (int e = 1; e <= experts; e++) { start[e] = e == experts ? rows : (start[e] + start[e - 1]) % (rows + 1); }
    for (int e = 1; e <= experts; e++) { start[e] = larger(start[e], start[e - 1]); }
    for (int i = 0; i < count; i++) { x[i] *= (float)size; }
    if (experts) {
        expert_rms_norm(y, rstd, x, w, start, experts, width, (float)epsilon);
        expert_rms_norm_input_gradient(d_x, d_y, x, w, rstd, residual, start, experts, width);
        expert_rms_norm_input_gradient(only, d_y, x, w, rstd, NULL, start, experts, width);
        expert_rms_norm_weight_gradient(d_w, d_y, x, rstd, start, experts, width, NULL);
    } else {
        rms_norm(y, rstd, x, w, rows, width, (float)epsilon);
        rms_norm_input_gradient(d_x, d_y, x, w, rstd, residual, rows, width);
        rms_norm_input_gradient(only, d_y, x, w, rstd, NULL, rows, width);
        rms_norm_weight_gradient(d_w, d_y, x, rstd, rows, width, NULL);
    }
    double *sum_w = room(sizeof *sum_w * (size_t)all);
    for (int c = 0; c < all; c++) { sum_w[c] = 0; }
    for (int r = 0, e = 0; r < rows; r++) {
        while (experts && r >= start[e + 1]) { e++; }
        const float *x_r = x + r * width, *d_r = d_y + r * width, *w_r = w ? w + e * width : NULL;
        double squares = 0, gn_mean = 0;
        for (int c = 0; c < width; c++) { squares += pow((double)x_r[c], 2) / width; }
        double s = 1 / sqrt(squares + epsilon);
        CLOSE(rstd[r], s, 1e-5 * s);
        for (int c = 0; c < width; c++) {
            double weight = w_r ? (double)w_r[c] : 1, n = (double)x_r[c] * s;
            gn_mean += (double)d_r[c] * weight * n / width;
            sum_w[e * width + c] += (double)d_r[c] * n;
            CLOSE(y[r * width + c], n * weight, 1e-5);
        }
        for (int c = 0; c < width; c++) {
            double weight = w_r ? (double)w_r[c] : 1, n = (double)x_r[c] * s;
            double d = s * ((double)d_r[c] * weight - n * gn_mean);
            CLOSE(only[r * width + c], d, 2e-5 * (s + 1));
            CLOSE(d_x[r * width + c], d + (double)residual[r * width + c], 2e-5 * (s + 1));
        }
    }
    for (int c = 0; c < all; c++) { CLOSE(d_w[c], sum_w[c], 2e-5 * (rows + 1)); }
    release();
}

static void check_rms_norms(void) {
    FOR_SIZES(width, 1) for (int rows = 0; rows <= 9; rows += 3) {
        check_rms_norm_of(rows, width, 0, 1, 1);
        check_rms_norm_of(rows, width, 0, 1, 0);
        check_rms_norm_of(rows, width, 4, 1, 1);
    }
    for (int width = 64; width <= 256; width *= 2) { check_rms_norm_of(5, width, 3, 3, 1); }
    check_rms_norm_of(3, 4 * LANES * 2 + 3, 2, 1, 1);
    check_rms_norm_of(5, LANES + 3, 0, 1e25, 1);  // squares are infinite as floats
}

// What others added to a table's gradient stays, wherever it lies.
static void check_embedding_gradient_added(const float *d_y, const int32_t *ids, int rows,
                                           int width, int entries) {
    float *others = numbers(entries * width), *sum = blank(entries * width);
    int stored = (int)panels_size(entries, width);
    float *panels = blank(stored), *panel_sum = blank(stored), *unpacked = blank(entries * width);
    panels_from_rows(panels, others, entries, width);
    embedding_gradient_added(sum, others, d_y, ids, rows, width, entries);
    for (int e = 0; e < entries; e++) {
        for (int c = 0; c < width; c++) {
            double expected = (double)others[e * width + c];
            for (int r = 0; r < rows; r++) {
                if (ids[r] == e) { expected += (double)d_y[r * width + c]; }
            }
            CLOSE(sum[e * width + c], expected, 1e-5);
        }
    }
    panel_embedding_gradient_added(panel_sum, panels, d_y, ids, rows, width, entries);
    rows_from_panels(unpacked, panel_sum, entries, width);
    for (int i = 0; i < entries * width; i++) { EQUAL(unpacked[i], sum[i]); }
    panel_embedding_gradient_added(panels, panels, d_y, ids, rows, width, entries);
    for (int i = 0; i < stored; i++) { EQUAL(panels[i], panel_sum[i]); }
    embedding_gradient_added(others, others, d_y, ids, rows, width, entries);
    for (int i = 0; i < entries * width; i++) { EQUAL(others[i], sum[i]); }
}

static void check_embedding_of(int rows, int width, int entries) {
    float *table = numbers(entries * width), *y = blank(rows * width), *d_y = numbers(rows * width);
    float *d_table = blank(entries * width);
    int32_t *ids = integers(rows, entries);
    embedding(y, table, ids, rows, width);
    float *panels = blank((int)panels_size(entries, width)), *same = blank(rows * width);
    panels_from_rows(panels, table, entries, width);
    panel_embedding(same, panels, ids, rows, width);
    for (int i = 0; i < rows * width; i++) { EQUAL(same[i], y[i]); }
    embedding_gradient(d_table, d_y, ids, rows, width, entries);
    for (int e = 0; e < entries; e++) {
        for (int c = 0; c < width; c++) {
            double sum = 0;
            for (int r = 0; r < rows; r++) {
                if (ids[r] == e) { sum += (double)d_y[r * width + c]; }
                EQUAL(y[r * width + c], table[ids[r] * width + c]);
            }
            CLOSE(d_table[e * width + c], sum, 1e-5);
        }
    }
    check_embedding_gradient_added(d_y, ids, rows, width, entries);
    release();
}

static void check_numbers_of(int rows, int width) {
    float *y = blank(rows * width), *places = blank(rows);
    int32_t *ids = integers(rows, 70000);
    numbers_from_ids(y, ids, rows, width);
    numbers_from_zero(places, rows);
    for (int r = 0; r < rows; r++) {
        EQUAL(places[r], r);
        for (int c = 0; c < width; c++) { EQUAL(y[r * width + c], ids[r]); }
    }
    release();
}

static void check_rows(void) {
    check_reductions();
    check_sums();
    FOR_SIZES(rows, 0) {
        check_columns_of(rows, 37, 5, 17);
        check_columns_of(rows, 8, 0, 8);
        check_columns_of(rows, 1, 0, 1);
    }
    FOR_SIZES(rows, 0) FOR_SIZES(width, 1) { check_softmax_of(rows, width); }
    for (int rows = 0; rows <= LANES + 1; rows += LANES + 1) { check_softmax_of(rows, 2); }
    FOR_SIZES(rows, 1) FOR_SIZES(width, 1) {
        for (int pattern = 0; pattern < 4; pattern++) { check_cross_entropy_of(rows, width, pattern); }
    }
    check_norms();
    check_rms_norms();
    FOR_SIZES(rows, 0) FOR_SIZES(width, 1) { check_embedding_of(rows, width, 5); }
    FOR_SIZES(rows, 0) FOR_SIZES(width, 1) { check_numbers_of(rows, width); }
}
