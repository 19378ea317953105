// check_products.h: matrix products in all their forms, the layers that are made of them, and AdamW.
#include "check.h"
#include "linear.h"
#include "linear_cross_entropy.h"
#include "matmul.h"

// Bodies that are compiled by themselves in a model.
#include "product.c"
#include "expert_linear.c"
#include "expert_linear_input_gradient.c"
#include "expert_linear_weight_gradient.c"

// Element (o, i) of a matrix in panels.
static double in_panels(const float *w, int in, int o, int i) {
    return (double)w[(o / 16 * in + i) * 16 + o % 16];
}

// ---- work ------------------------------------------------------------------------------------

static void check_shares(void) {
    for (int count = 0; count < 40; count += 7) {
        for (int blocks = 1; blocks < 9; blocks++) {
            EQUAL(block_start(0, count, blocks), 0);
            EQUAL(block_start(blocks, count, blocks), count);
            for (int k = 0; k < blocks; k++) {
                int size = block_start(k + 1, count, blocks) - block_start(k, count, blocks);
                CHECK(size >= count / blocks && size <= (count + blocks - 1) / blocks);
            }
            // Every block begins in one range of cost alone, in order.
            int made = 0;
            for (int share = 0; share < 6; share++) {
                int64_t cost = 4 * blocks + 1, from = cost * share / 6, to = cost * (share + 1) / 6;
                EQUAL(first_block(from, cost, blocks), made);
                made = first_block(to, cost, blocks);
            }
            EQUAL(made, blocks);
        }
    }
    // Three threads' parts, taken from both ends: every share once.
    work_shares s;
    deal_shares(&s, 1);
    EQUAL(s.count, s.parts == 1 ? 1 : SHARES);
    for (int front = 0; front < 2; front++) {
        share_part part = {(uint64_t)10 << 32 | 50};
        int taken[60] = {0}, all = 0;
        for (;;) {
            share_range r = take_from(&part, front);
            if (r.first == r.end) { break; }
            CHECK(front || r.end - r.first == 1);
            for (int i = r.first; i < r.end; i++) { taken[i]++, all++; }
        }
        EQUAL(all, 40);
        for (int i = 0; i < 60; i++) { EQUAL(taken[i], i >= 10 && i < 50); }
    }
    int taken[SHARES] = {0};
    s.parts = 3, s.count = SHARES;
    for (int i = 0; i < 3; i++) {
        s.part[i].first_end = (uint64_t)block_start(i, SHARES, 3) << 32;
        s.part[i].first_end |= (uint64_t)block_start(i + 1, SHARES, 3);
    }
    for (share_range r; take_shares(&s, &r);) {
        for (int i = r.first; i < r.end; i++) { taken[i]++; }
    }
    for (int i = 0; i < SHARES; i++) { EQUAL(taken[i], 1); }
}

// ---- one product -----------------------------------------------------------------------------

enum { WITH_BIAS = 1, WITH_SOURCE = 2, BY_DEPTH = 4, ACCUMULATE = 8, WITH_SOON = 16, ALL_FORMS = 32 };

static void check_product_of(int rows, int columns, int depth, int form) {
    int by_depth = (form & BY_DEPTH) != 0, x_rows = by_depth ? depth : rows;
    int x_row = (by_depth ? rows : depth) + 2, there = x_rows + 3, panels = (columns + 15) / 16;
    float *x = numbers(there * x_row), *w = numbers(panels * depth * 16), *bias = numbers(columns);
    float *y = numbers(rows * columns), *before = copy_of(y, rows * columns);
    int32_t *source = integers(x_rows, there);
    int has_source = (form & WITH_SOURCE) != 0, has_bias = (form & WITH_BIAS) != 0;
    ahead soon[2] = {{0}, {.x = w, .rows = 1, .lines = panels * depth}};
    product p = {.y = y, .y_row = (size_t)columns, .y_panel = 16, .x = x, .x_row = (size_t)x_row,
                 .source = has_source ? source : NULL, .w = w, .w_panel = (size_t)depth * 16,
                 .bias = has_bias ? bias : NULL, .depth = depth, .columns = columns,
                 .by_depth = by_depth, .accumulate = (form & ACCUMULATE) != 0};
    if (form & WITH_SOON) {
        p.soon = soon, p.x_rows = rows;
        p.besides = 1, p.beside[0] = before, p.beside_panel = 16;
    }
    product_rows(&p, rows);
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            double sum = p.accumulate ? (double)before[r * columns + c] : has_bias ? (double)bias[c] : 0;
            for (int k = 0; k < depth; k++) {
                int row = by_depth ? k : r, place = by_depth ? r : k;
                int from = has_source ? source[row] : row;
                sum += (double)x[from * x_row + place] * in_panels(w, depth, c, k);
            }
            CLOSE(y[r * columns + c], sum, 1e-6 * (depth + 2));
        }
    }
    release();
}

// Of every height that a tile has, and in several rows of tiles.
static void check_product_forms(void) {
    static const int widths[] = {1, 15, 16, 17, 32, 33, 71}, depths[] = {0, 1, 5, 33};
    for (int form = 0; form < ALL_FORMS; form++) {
        if ((form & BY_DEPTH) && (form & WITH_SOON)) { continue; }
        for (int rows = 0; rows <= TILE_ROWS + 1; rows++) {
            for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
                int width = widths[draw_below(7)];
                if (form & BY_DEPTH) { width = smaller(width, TILE_COLUMNS); }
                check_product_of(rows, width, depths[d], form);
            }
        }
        check_product_of(3 * TILE_ROWS + 2, smaller(TILE_COLUMNS, 17), 9, form);
    }
}

static void check_matmul_of(int batch, int m, int n, int k, int turned_a, int turned_b) {
    float *a = numbers(batch * m * k), *b = numbers(batch * k * n), *c = blank(batch * m * n);
    matmul(c, a, b, batch, m, n, k, turned_a, turned_b);
    for (int at = 0; at < batch * m * n; at++) {
        int s = at / n / m, i = at / n % m, j = at % n;
        double sum = 0;
        for (int l = 0; l < k; l++) {
            float left = a[s * m * k + (turned_a ? l * m + i : i * k + l)];
            sum += (double)left * (double)b[s * k * n + (turned_b ? j * k + l : l * n + j)];
        }
        CLOSE(c[at], sum, 1e-6 * (k + 2));
    }
    release();
}

static void check_matmul(void) {
    static const int shapes[][4] = {{1, 1, 1, 1}, {2, 3, 5, 7}, {0, 3, 3, 3}, {1, 0, 4, 2}, {1, 4, 0, 2},
                                    {2, 4, 3, 0}, {1, LANES + 1, 33, LANES}, {1, 131, 17, 3},
                                    {1, 2, 18, DEPTH_BLOCK + 5}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        for (int turned = 0; turned < 4; turned++) {
            const int *s = shapes[i];
            check_matmul_of(s[0], s[1], s[2], s[3], turned & 1, turned >> 1);
        }
    }
}

// ---- linear layers ---------------------------------------------------------------------------

// Counts how often each element was finished.
static int *finishes;

static void finish(const finish_operands *q, float *y, int row, int rows, int column, int columns) {
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
            int at = (row + r) * q->width + column + c;
            y[r * q->width + c] = 2 * y[r * q->width + c] + q->x1[at];
            finishes[at]++;
        }
    }
}

// A layer of three experts, of which one has no rows.
typedef struct {
    int in, out, rows, tokens;
    int32_t start[4], *source;
    float *x, *w, *b, *d_y, *beside;
} linear_case;

static linear_case linear_case_of(int in, int out, int rows) {
    linear_case l = {in, out, rows, rows + 2, {0, rows / 3, rows / 3, rows}, NULL, NULL, NULL, NULL,
                     NULL, NULL};
    float *plain = numbers(3 * out * in);
    l.x = numbers(l.tokens * in);
    l.w = blank(3 * (int)panels_size(out, in));
    l.b = numbers(3 * out);
    l.d_y = numbers(rows * out);
    l.beside = numbers(rows * larger(in, out));
    l.source = integers(rows, l.tokens);
    for (int e = 0; e < 3; e++) {
        panels_from_rows(l.w + (size_t)e * panels_size(out, in), plain + e * out * in, out, in);
    }
    return l;
}

static int expert_of(const linear_case *l, int row) { return row < l->start[1] ? 0 : 2; }

// w[e][o, i]
static double weight_of(const linear_case *l, int e, int o, int i) {
    return in_panels(l->w + (size_t)e * panels_size(l->out, l->in), l->in, o, i);
}

static void clear_finishes(int count) {
    finishes = room(sizeof *finishes * (size_t)count);
    memset(finishes, 0, sizeof *finishes * (size_t)count);
}

static void check_forward(const linear_case *l) {
    int count = l->rows * l->out;
    float *plain = blank(count), *gathered = blank(count), *finished = blank(count);
    finish_operands operands = {.width = l->out, .x1 = l->beside};
    clear_finishes(count);
    expert_linear(plain, l->x, l->w, NULL, l->start, 3, l->in, l->out);
    expert_linear_gathered(gathered, l->x, l->source, l->w, l->b, l->start, 3, l->in, l->out);
    expert_linear_finished(finished, l->x, l->source, l->w, l->b, l->start, 3, l->in, l->out, finish,
                           &operands);
    for (int at = 0; at < count; at++) {
        int r = at / l->out, o = at % l->out, e = expert_of(l, r);
        double sum = 0, chosen = (double)l->b[e * l->out + o];
        for (int i = 0; i < l->in; i++) {
            sum += (double)l->x[r * l->in + i] * weight_of(l, e, o, i);
            chosen += (double)l->x[l->source[r] * l->in + i] * weight_of(l, e, o, i);
        }
        CLOSE(plain[at], sum, 1e-6 * (l->in + 2));
        CLOSE(gathered[at], chosen, 1e-6 * (l->in + 2));
        CLOSE(finished[at], 2 * chosen + (double)l->beside[at], 2e-6 * (l->in + 2));
        EQUAL(finishes[at], 1);
    }
}

static void check_input_gradient(const linear_case *l) {
    int count = l->rows * l->in;
    float *plain = blank(count), *finished = blank(count);
    finish_operands operands = {.width = l->in, .x1 = l->beside};
    clear_finishes(count);
    expert_linear_input_gradient(plain, l->d_y, l->w, l->start, 3, l->in, l->out);
    expert_linear_input_gradient_finished(finished, l->d_y, l->w, l->start, 3, l->in, l->out, finish,
                                          &operands);
    for (int at = 0; at < count; at++) {
        int r = at / l->in, i = at % l->in;
        double sum = 0;
        for (int o = 0; o < l->out; o++) {
            sum += (double)l->d_y[r * l->out + o] * weight_of(l, expert_of(l, r), o, i);
        }
        CLOSE(plain[at], sum, 1e-6 * (l->out + 2));
        CLOSE(finished[at], 2 * sum + (double)l->beside[at], 2e-6 * (l->out + 2));
        EQUAL(finishes[at], 1);
    }
}

// Three products of the same rows, one with a last step, make what each makes alone.
static void check_parts(const linear_case *l, const float *other) {
    int count = l->rows * l->out;
    float *made[3], *alone[3];
    for (int part = 0; part < 3; part++) { made[part] = blank(count), alone[part] = blank(count); }
    finish_operands operands = {.width = l->out, .x1 = l->beside};
    clear_finishes(count);
    linear_part parts[] = {{made[0], l->w, l->b, NULL, NULL},
                           {made[1], other, NULL, finish, &operands},
                           {made[2], other, l->b, NULL, NULL}};
    expert_linear_parts(parts, 3, l->x, l->source, l->start, 3, l->in, l->out);
    for (int at = 0; at < count; at++) { EQUAL(finishes[at], 1); }
    expert_linear_gathered(alone[0], l->x, l->source, l->w, l->b, l->start, 3, l->in, l->out);
    expert_linear_finished(alone[1], l->x, l->source, other, NULL, l->start, 3, l->in, l->out, finish,
                           &operands);
    expert_linear_gathered(alone[2], l->x, l->source, other, l->b, l->start, 3, l->in, l->out);
    for (int part = 0; part < 3; part++) {
        for (int at = 0; at < count; at++) { EQUAL(made[part][at], alone[part][at]); }
    }
}

// The gradients of two products add up.
static void check_gradient_parts(const linear_case *l, const float *other) {
    int count = l->rows * l->in;
    float *d_z = numbers(l->rows * l->out), *made = blank(count), *one = blank(count), *two = blank(count);
    finish_operands operands = {.width = l->in, .x1 = l->beside};
    clear_finishes(count);
    gradient_part parts[] = {{l->d_y, l->w}, {d_z, other}};
    expert_linear_input_gradient_parts(made, parts, 2, l->start, 3, l->in, l->out, finish, &operands);
    expert_linear_input_gradient(one, l->d_y, l->w, l->start, 3, l->in, l->out);
    expert_linear_input_gradient(two, d_z, other, l->start, 3, l->in, l->out);
    for (int at = 0; at < count; at++) {
        double sum = (double)one[at] + (double)two[at];
        CLOSE(made[at], 2 * sum + (double)l->beside[at], 4e-6 * (l->out + 2));
        EQUAL(finishes[at], 1);
    }
}

// d_w[e][o, i], of the rows as they lie or of those that were chosen.
static double weight_gradient_of(const linear_case *l, int e, int o, int i, int chosen) {
    double sum = 0;
    for (int r = l->start[e]; r < l->start[e + 1]; r++) {
        int from = chosen ? l->source[r] : r;
        sum += (double)l->d_y[r * l->out + o] * (double)l->x[from * l->in + i];
    }
    return sum;
}

static const adamw_numbers step_numbers = {0.01f, 0.9f, 0.99f, 1e-6f, 0.1f};

// One step of AdamW in double precision; returns the value.
static double stepped(double value, double gradient, double first, double second, double step) {
    double rate = (double)step_numbers.learning_rate, beta1 = (double)step_numbers.beta1;
    double beta2 = (double)step_numbers.beta2;
    first = beta1 * first + (1 - beta1) * gradient;
    second = beta2 * second + (1 - beta2) * gradient * gradient;
    double mean = first / (1 - pow(beta1, step)), square = second / (1 - pow(beta2, step));
    value -= rate * (double)step_numbers.weight_decay * value;
    return value - rate * mean / (sqrt(square) + (double)step_numbers.epsilon);
}

static void check_weight_gradient(const linear_case *l) {
    int each = (int)panels_size(l->out, l->in), count = 3 * each;
    float *plain = blank(count), *chosen = blank(count), *d_b = blank(3 * l->out), *no = blank(count);
    float *value = copy_of(l->w, count), *first = numbers(count), *second = numbers(count);
    float steps[] = {1, 5, 12}, *again = blank(3 * l->out);
    for (int i = 0; i < count; i++) { second[i] = fabsf(second[i]) + 0.01f; }
    float *old_first = copy_of(first, count), *old_second = copy_of(second, count);
    weight_update update = {value, first, second, steps, step_numbers};
    expert_linear_weight_gradient(plain, d_b, l->d_y, l->x, l->start, 3, l->in, l->out, NULL, NULL);
    expert_linear_weight_gradient_gathered(chosen, NULL, l->d_y, l->x, l->source, l->start, 3, l->in,
                                           l->out, NULL, NULL);
    expert_linear_weight_gradient_gathered(no, again, l->d_y, l->x, l->source, l->start, 3, l->in,
                                           l->out, &update, NULL);
    for (int at = 0; at < count; at++) {
        int e = at / each, o = at % each / (l->in * 16) * 16 + at % 16, i = at / 16 % l->in;
        int pads = o >= l->out, has_rows = l->start[e] < l->start[e + 1];
        double d = pads ? 0 : weight_gradient_of(l, e, o, i, 0);
        CLOSE(plain[at], d, 1e-6 * (l->rows + 2));
        d = pads ? 0 : weight_gradient_of(l, e, o, i, 1);
        CLOSE(chosen[at], d, 1e-6 * (l->rows + 2));
        double wanted = stepped((double)l->w[at], d, (double)old_first[at], (double)old_second[at],
                                (double)steps[e]);
        if (has_rows) { CLOSE(value[at], wanted, 1e-5); }
        else { EQUAL(value[at], l->w[at]); EQUAL(first[at], old_first[at]); EQUAL(no[at], 0); }
    }
    for (int at = 0; at < 3 * l->out; at++) {
        double sum = 0;
        int e = at / l->out;
        for (int r = l->start[e]; r < l->start[e + 1]; r++) {
            sum += (double)l->d_y[r * l->out + at % l->out];
        }
        CLOSE(d_b[at], sum, 1e-5 + 1e-6 * l->rows);
        EQUAL(again[at], d_b[at]);
    }
}

static void check_linear_of(int in, int out, int rows) {
    linear_case l = linear_case_of(in, out, rows);
    check_forward(&l);
    check_input_gradient(&l);
    float *other = copy_of(l.w, 3 * (int)panels_size(out, in));
    for (int i = 0; i < 3 * (int)panels_size(out, in); i++) { other[i] *= i % 3 ? -0.5f : 1.5f; }
    check_parts(&l, other);
    check_gradient_parts(&l, other);
    check_weight_gradient(&l);
    release();
}

// Three matrices that lie one after the other, each with numbers and a width of its own, a multiple of
// `unit`: a tile may hold outputs of two.
static void check_joined_of(int unit) {
    enum { IN = 9, ROWS = 7 };
    int out = 6 * unit, count = IN * out, begins[] = {0, 3 * unit, 4 * unit};
    float *x = numbers(ROWS * IN), *d_y = numbers(ROWS * out), *d_b = blank(out), *d_w = blank(count);
    float *value = numbers(count), *old = copy_of(value, count);
    float *first = blank(count), *second = blank(count), steps[] = {1, 2, 3};
    for (int i = 0; i < count; i++) { first[i] = second[i] = 0; }
    weight_update updates[3];
    for (int m = 0; m < 3; m++) {
        size_t at = (size_t)begins[m] * IN;
        updates[m] = (weight_update){value + at, first + at, second + at, steps + m, step_numbers};
        updates[m].numbers.weight_decay = 0;
    }
    linear_weight_gradient(d_w, d_b, d_y, x, ROWS, IN, out, updates, 3, NULL);
    for (int at = 0; at < count; at++) {
        int o = at / (IN * 16) * 16 + at % 16, i = at / 16 % IN;
        double d = 0, step = (double)steps[(o >= begins[1]) + (o >= begins[2])];
        for (int r = 0; r < ROWS; r++) { d += (double)d_y[r * out + o] * (double)x[r * IN + i]; }
        double mean = 0.1 * d / (1 - pow(0.9, step)), square = 0.01 * d * d / (1 - pow(0.99, step));
        CLOSE(value[at], (double)old[at] - 0.01 * mean / (sqrt(square) + 1e-6), 1e-5);
    }
    float *y = blank(ROWS * out), *d_x = blank(ROWS * IN);
    linear(y, x, value, d_b, ROWS, IN, out);
    linear_input_gradient(d_x, d_y, value, ROWS, IN, out);
    for (int at = 0; at < ROWS * out; at++) {
        double sum = (double)d_b[at % out];
        for (int i = 0; i < IN; i++) {
            sum += (double)x[at / out * IN + i] * in_panels(value, IN, at % out, i);
        }
        CLOSE(y[at], sum, 1e-5);
    }
    for (int at = 0; at < ROWS * IN; at++) {
        double sum = 0;
        for (int o = 0; o < out; o++) {
            sum += (double)d_y[at / IN * out + o] * in_panels(value, IN, o, at % IN);
        }
        CLOSE(d_x[at], sum, 1e-4);
    }
    release();
}

static void check_joined(void) {
    check_joined_of(TILE_COLUMNS);
    check_joined_of(PANEL);
}

// The loss of logits that are made part by part, and its gradients, beside those of all logits at once. Every third
// target is ignored, or all are.
static void check_loss_in_parts_of(int rows, int in, int out, int part, int has_bias, int ignores_all) {
    float *x = numbers(rows * in), *w = blank((int)panels_size(out, in)), *b = numbers(out);
    float *matrix = numbers(out * in), *bias = has_bias ? b : NULL;
    panels_from_rows(w, matrix, out, in);
    int32_t *targets = integers(rows, out);
    for (int r = 0; r < rows; r++) {
        if (ignores_all || r % 3 == 1) { targets[r] = -100; }
    }
    float *logits = blank(rows * out), *d_logits = blank(rows * out);
    float *maximum = blank(rows), *sum = blank(rows), *own_maximum = blank(rows), *own_sum = blank(rows);
    float *space = blank(rows * (part + (in > 1 ? in : 1)));
    linear(logits, x, w, bias, rows, in, out);
    float loss = cross_entropy(maximum, sum, logits, targets, rows, out);
    CLOSE(linear_cross_entropy(own_maximum, own_sum, space, x, w, bias, targets, rows, in, out, part), loss, 1e-5);
    for (int r = 0; r < rows; r++) {
        EQUAL(own_maximum[r], maximum[r]);
        CLOSE(own_sum[r], sum[r], 1e-5 * (double)sum[r]);
    }
    float *d_x = blank(rows * in), *d_w = blank((int)panels_size(out, in)), *d_b = blank(out);
    float *own_x = blank(rows * in), *own_w = blank((int)panels_size(out, in)), *own_b = blank(out);
    float *alone = blank(out);
    cross_entropy_gradient(d_logits, 2, logits, maximum, sum, targets, rows, out);
    linear_input_gradient(d_x, d_logits, w, rows, in, out);
    linear_weight_gradient(d_w, d_b, d_logits, x, rows, in, out, NULL, 1, NULL);
    linear_cross_entropy_gradient(own_x, own_w, own_b, space, 2, x, w, bias, maximum, sum, targets, rows, in,
                                  out, part);
    for (int i = 0; i < rows * in; i++) { CLOSE(own_x[i], d_x[i], 1e-5); }
    for (int i = 0; i < (int)panels_size(out, in); i++) { CLOSE(own_w[i], d_w[i], 1e-6); }
    for (int o = 0; o < out; o++) { CLOSE(own_b[o], d_b[o], 1e-6); }
    // What nobody wants is not made.
    linear_cross_entropy_gradient(NULL, NULL, alone, space, 2, x, w, bias, maximum, sum, targets, rows, in, out,
                                  part);
    for (int o = 0; o < out; o++) { CLOSE(alone[o], d_b[o], 1e-6); }
    linear_cross_entropy_gradient(d_x, NULL, NULL, space, 2, x, w, bias, maximum, sum, targets, rows, in, out,
                                  part);
    for (int i = 0; i < rows * in; i++) { EQUAL(d_x[i], own_x[i]); }
    x[rows * in - 1] = NAN;
    CHECK(isnan(linear_cross_entropy(maximum, sum, space, x, w, bias, targets, rows, in, out, part)));
    release();
}

static void check_loss_in_parts(void) {
    FOR_SIZES(rows, 1) { check_loss_in_parts_of(rows, 5, 61, 16, 1, 0); }
    FOR_SIZES(in, 1) { check_loss_in_parts_of(4, in, 33, 32, 0, 0); }
    FOR_SIZES(out, 1) { check_loss_in_parts_of(7, LANES + 1, out, 16, 1, 0); }
    check_loss_in_parts_of(9, 70, 1000, 128, 1, 0);
    check_loss_in_parts_of(300, 3, 40, 32, 0, 0);
    check_loss_in_parts_of(4, 3, 40, 16, 1, 1);
}

static void check_adamw(void) {
    static const int counts[] = {0, 1, LANES - 1, LANES, LANES + 1, 3 * ADAMW_BLOCK + 7};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        int each = counts[c], count = 3 * each;
        float *value = numbers(count), *gradient = numbers(count), *first = numbers(count);
        float *second = numbers(count), steps[] = {1, 7, 1000}, *old = copy_of(value, count);
        for (int i = 0; i < count; i++) { second[i] = fabsf(second[i]); }
        float *old_first = copy_of(first, count), *old_second = copy_of(second, count);
        const int32_t start[] = {0, 2, 2, 5};
        adamw_experts(value, gradient, first, second, (size_t)each, 3, steps, start, &step_numbers);
        for (int i = 0; i < count; i++) {
            double d = (double)gradient[i], f = (double)old_first[i], s = (double)old_second[i];
            int e = i / each;
            double wanted = e == 1 ? (double)old[i] : stepped((double)old[i], d, f, s, (double)steps[e]);
            CLOSE(value[i], wanted, 1e-5);
            CLOSE(first[i], e == 1 ? f : 0.9 * f + 0.1 * d, 1e-6);
            CLOSE(second[i], e == 1 ? s : 0.99 * s + 0.01 * d * d, 1e-6);
        }
        release();
    }
}

static void check_products(void) {
    check_shares();
    check_product_forms();
    check_matmul();
    FOR_SIZES(in, 1) FOR_SIZES(out, 1) { check_linear_of(in, out, 7); }
    FOR_SIZES(rows, 0) { check_linear_of(LANES + 1, 2 * LANES + 3, rows); }
    check_linear_of(3, DEPTH_BLOCK + 9, 4);                      // d_x in two sums
    check_linear_of(INPUT_BLOCK + 3, 5, 2 * TILE_ROWS);          // two blocks of inputs
    check_linear_of(2, 3, 2 * (GRADIENT_ROW_BLOCK + 10));        // blocks of rows
    check_linear_of(1500, 2 * TILE_COLUMNS + 3, 9 * COLD_TILES); // and of columns
    check_linear_of(2, 1, 2 * DEPTH_BLOCK);                      // d_w in several sums
    check_joined();
    check_loss_in_parts();
    check_adamw();
}
