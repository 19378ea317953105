// check_attention.h: causal attention of all forms, and its continuation.
#include "check_attention_gradient.h"
#include "attention.c"
#include "general_attention.c"

// As plain attention, or as any.
static void run_attention(const attention_case *a, float *y, float *maximums, float *sums, int general) {
    attention_shape as = a->as;
    attention_form form = form_of(a);
    if (general) {
        general_attention(y, maximums, sums, a->q, a->k, a->v, as.sequences, as.heads, 0, as.length,
                          as.depth, score_scale, as.rate, dropout_key, &form);
    } else {
        causal_attention(y, maximums, sums, a->q, a->k, a->v, a->row, as.sequences, as.heads, as.length,
                         as.depth, score_scale, as.rate, dropout_key DOCUMENTS(a));
    }
}

static void check_outputs(const attention_case *a, const float *y, const float *maximums,
                          const float *sums) {
    const double log2e = 1.4426950408889634;
    attention_shape as = a->as;
    for (int p = 0; p < as.sequences * as.heads * as.length; p++) {
        int i = p % as.length, h = p / as.length % as.heads, s = p / as.length / as.heads;
        double most, sum;
        normaliser(a, s, h, i, &most, &sum);
        CLOSE(maximums[p], most * log2e, 1e-5 * (as.depth + 1));
        CLOSE(sums[p], sum, 1e-5 * sum * (as.depth + 1));
        for (int c = 0; c < as.depth; c++) {
            double wanted = 0;
            for (int j = first_key(a, s, i); j <= i; j++) {
                double weight = exp(score(a, s, h, i, j) - most) / sum;
                wanted += weight * keeps(a, s, h, i, j) * element(a, a->v, s, h, j, c);
            }
            CLOSE(y[((s * as.length + i) * as.heads + h) * as.depth + c], wanted, 2e-6 * (as.depth + 4));
        }
    }
}

// Rows behind others of the same sequence have the bits that they have in a pass over all.
static void check_continuation(const attention_case *a, const float *y, int general) {
    attention_shape as = a->as;
    int width = as.heads * as.depth, count = as.length * width;
    attention_form form = form_of(a);
    for (int past = 0; past < as.length; past += 1 + as.length / 5) {
        float *rest = copy_of(y, count);
        for (int i = past * width; i < count; i++) { rest[i] = NAN; }
        const float *q = a->q + past * a->row, *k = a->k + past * a->key_row;
        const float *v = a->v + past * a->key_row;
        if (general) {
            general_attention(rest + past * width, NULL, NULL, q, k, v, 1, as.heads, past,
                              as.length - past, as.depth, score_scale, as.rate, dropout_key, &form);
        } else {
            causal_attention_after(rest + past * width, NULL, NULL, q, k, v, a->row, 1, as.heads, past,
                                   as.length - past, as.depth, score_scale, as.rate, dropout_key DOCUMENTS(a));
        }
        CHECK(memcmp(rest, y, sizeof *y * (size_t)count) == 0);
    }
}

static void check_form(attention_shape as, int general) {
    attention_case a = attention_case_of(as);
    int pairs = as.sequences * as.heads * as.length;
    float *y = blank(pairs * as.depth), *maximums = blank(pairs), *sums = blank(pairs);
    float *again = blank(pairs * as.depth);
    run_attention(&a, y, maximums, sums, general);
    check_outputs(&a, y, maximums, sums);
    run_attention(&a, again, NULL, NULL, general);
    CHECK(memcmp(again, y, sizeof *y * (size_t)(pairs * as.depth)) == 0);
    check_gradients(&a, y, maximums, sums, general);
    if (as.sequences == 1 && !a.beginnings) { check_continuation(&a, y, general); }
    if (general && is_plain(&a)) {
        run_attention(&a, again, NULL, NULL, 0);
        CHECK(memcmp(again, y, sizeof *y * (size_t)(pairs * as.depth)) == 0);
    }
    release();
}

static void check_attention_of(int sequences, int heads, int length, int depth, double rate, int joined) {
    check_form((attention_shape){sequences, heads, length, depth, joined, rate, 1, 0, 0, 0}, 0);
}

// Keys far behind a window have no say, whatever they are: their tiles are not read.
static void check_what_a_window_leaves_out(void) {
    int length = 3 * ATTENTION_KEYS, window = ATTENTION_KEYS / 2, gone = ATTENTION_KEYS;
    attention_case a = attention_case_of((attention_shape){1, 1, length, 4, 0, 0, 1, window, 0, 0});
    float *y = blank(length * 4), *other = blank(length * 4);
    run_attention(&a, y, NULL, NULL, 1);
    for (int i = 0; i < gone * 4; i++) { a.k[i] = a.v[i] = NAN; }
    run_attention(&a, other, NULL, NULL, 1);
    int first = gone + window + LANES;
    CHECK(memcmp(y + first * 4, other + first * 4, sizeof *y * (size_t)((length - first) * 4)) == 0);
    release();
}

static void check_general_attention(void) {
    static const int depths[] = {3, LANES, LANES + 1};
    static const int lengths[] = {1, LANES - 1, 2 * LANES, ATTENTION_KEYS + 2 * LANES + 5};
    static const int windows[] = {0, 1, 2, LANES, LANES + 1, ATTENTION_KEYS + 3, 500};
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
                int n = (int)(d + l + w), group = n % 3 == 0 ? 4 : n % 3;
                check_form((attention_shape){1, 4, lengths[l], depths[d], n % 2, n % 4 == 0 ? 0.3 : 0,
                                             group, windows[w], n % 5 < 2 ? 1.5f : 0, n % 7 < 3}, 1);
            }
        }
    }
    check_form((attention_shape){2, 6, LANES + 3, 5, 1, 0.3, 3, 4, 0.7f, 1}, 1);
    check_form((attention_shape){2, 6, 2 * LANES, LANES, 0, 0.3, 6, LANES + 3, 50, 1}, 1);
    check_form((attention_shape){3, 2, 2 * LANES, LANES, 0, 0, 1, 0, 0, 1}, 1);
    check_form((attention_shape){1, 3, 2 * LANES, LANES, 0, 0.2, 1, 0, 0, 0}, 1);
    check_form((attention_shape){0, 2, 5, 3, 0, 0, 2, 3, 1, 1}, 1);
    check_what_a_window_leaves_out();
}

#if MODEL_TAKES_DOCUMENTS
// Tiles before a document are not read.
static void check_what_documents_leave_out(void) {
    int length = 3 * ATTENTION_KEYS, begin = ATTENTION_KEYS, count = length * 4;
    mean_document = length;
    attention_case a = attention_case_of((attention_shape){1, 1, length, 4, 0, 0, 1, 0, 0, 0});
    int32_t *beginnings = room(sizeof *beginnings * (size_t)length);
    for (int t = 0; t < length; t++) { beginnings[t] = t < begin ? 0 : begin; }
    a.beginnings = beginnings;
    float *y = blank(count), *maximums = blank(length), *sums = blank(length), *other = blank(count);
    run_attention(&a, y, maximums, sums, 1);
    float *d_y = numbers(count), *d[3] = {blank(count), blank(count), blank(count)};
    float *other_d[3] = {blank(count), blank(count), blank(count)};
    run_gradients(&a, d, d_y, y, maximums, sums, a.row, 1);
    for (int i = 0; i < begin * 4; i++) { a.k[i] = a.v[i] = NAN; }
    run_attention(&a, other, NULL, NULL, 1);
    run_gradients(&a, other_d, d_y, y, maximums, sums, a.row, 1);
    size_t rest = sizeof *y * (size_t)(count - begin * 4);
    CHECK(memcmp(y + begin * 4, other + begin * 4, rest) == 0);
    for (int i = 0; i < 3; i++) { CHECK(memcmp(d[i] + begin * 4, other_d[i] + begin * 4, rest) == 0); }
    release();
}

// Positions and masks by documents, and without them.
static void check_documents(void) {
    int sequences = 3, matrices = 2, length = 7, squares = sequences * matrices * length * length;
    mean_document = 3;
    for (int is_one = 0; is_one < 2; is_one++) {
        const int32_t *beginnings = is_one ? NULL : random_documents(sequences, length);
        float *x = numbers(squares), *y = blank(squares);
        int32_t positions[7] = {0, 1, 2, 3, 4, 5, 6}, *own = integers(sequences * length, 5);
        document_positions(own, positions, beginnings, sequences, length);
        document_mask(y, x, beginnings, sequences, matrices, length, -INFINITY);
        for (int i = 0; i < squares; i++) {
            int key = i % length, query = i / length % length, s = i / length / length / matrices;
            int first = is_one ? 0 : beginnings[s * length + query];
            EQUAL(own[s * length + query], query - first);
            EQUAL(y[i], key < first || key > query ? -INFINITY : x[i]);
        }
        document_mask(x, x, beginnings, sequences, matrices, length, -INFINITY);
        CHECK(memcmp(x, y, sizeof *x * (size_t)squares) == 0);
        release();
    }
}

#endif
static void check_attention(void) {
    static const int depths[] = {1, 3, LANES, LANES + 1};
    static const int lengths[] = {1, 2, LANES - 1, LANES, LANES + 1, 2 * LANES, ATTENTION_KEYS + 9};
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
        for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
            int joined = (int)(l % 2);
            check_attention_of(1, 2, lengths[l], depths[d], l % 3 == 0 ? 0.3 : 0, joined);
        }
    }
    check_attention_of(2, 3, LANES + 3, 5, 0.3, 1);
    check_attention_of(3, 1, 2 * LANES, LANES, 0.2, 0);
    check_attention_of(0, 2, 5, 3, 0, 0);
    check_general_attention();
}
