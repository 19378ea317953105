// check_attention.h: causal attention, its gradient, and its continuation.
#include "check.h"
#include "attention.c"
#include "attention_gradient.c"

typedef struct {
    int sequences, heads, length, depth, row;
    double rate;
    float *q, *k, *v;
} attention_case;

static const float score_scale = 0.7f;
static const uint64_t dropout_key = 0x0123456789abcdefu;

// joined: q, k and v are parts of one tensor.
static attention_case attention_case_of(int sequences, int heads, int length, int depth, double rate,
                                        int joined) {
    int width = heads * depth, row = joined ? 3 * width : width, count = sequences * length * row;
    attention_case a = {sequences, heads, length, depth, row, rate, NULL, NULL, NULL};
    a.q = numbers(count);
    a.k = joined ? a.q + width : numbers(count);
    a.v = joined ? a.q + 2 * width : numbers(count);
    for (int i = 0; i < count; i++) { a.q[i] *= 2; }
    return a;
}

// Element c of row t of one head of q, k or v.
static double element(const attention_case *a, const float *x, int s, int h, int t, int c) {
    return (double)x[(s * a->length + t) * a->row + h * a->depth + c];
}

static double score(const attention_case *a, int s, int h, int i, int j) {
    double sum = 0;
    for (int c = 0; c < a->depth; c++) { sum += element(a, a->q, s, h, i, c) * element(a, a->k, s, h, j, c); }
    return (double)score_scale * sum;
}

// What dropout multiplies a weight with.
static double kept(const attention_case *a, int s, int h, int i, int j) {
    uint32_t number = (uint32_t)(((s * a->heads + h) * a->length + i) * a->length + j);
    return (double)dropout_keep(dropout_key, number, a->rate);
}

// The largest score of a query, and the sum of e^(score - largest).
static void normaliser(const attention_case *a, int s, int h, int i, double *most, double *sum) {
    *most = -INFINITY, *sum = 0;
    for (int j = 0; j <= i; j++) { *most = fmax(*most, score(a, s, h, i, j)); }
    for (int j = 0; j <= i; j++) { *sum += exp(score(a, s, h, i, j) - *most); }
}

static void run_attention(const attention_case *a, float *y, float *maximums, float *sums) {
    causal_attention(y, maximums, sums, a->q, a->k, a->v, a->row, a->sequences, a->heads, a->length,
                     a->depth, score_scale, a->rate, dropout_key);
}

static void check_outputs(const attention_case *a, const float *y, const float *maximums,
                          const float *sums) {
    const double log2e = 1.4426950408889634;
    for (int p = 0; p < a->sequences * a->heads * a->length; p++) {
        int i = p % a->length, h = p / a->length % a->heads, s = p / a->length / a->heads;
        double most, sum;
        normaliser(a, s, h, i, &most, &sum);
        CLOSE(maximums[p], most * log2e, 1e-5 * (a->depth + 1));
        CLOSE(sums[p], sum, 1e-5 * sum * (a->depth + 1));
        for (int c = 0; c < a->depth; c++) {
            double wanted = 0;
            for (int j = 0; j <= i; j++) {
                double weight = exp(score(a, s, h, i, j) - most) / sum;
                wanted += weight * kept(a, s, h, i, j) * element(a, a->v, s, h, j, c);
            }
            CLOSE(y[((s * a->length + i) * a->heads + h) * a->depth + c], wanted, 2e-6 * (a->depth + 4));
        }
    }
}

// Gradients of one head in double precision, by the formulas of attention_gradient.h.
typedef struct {
    double *q, *k, *v;
} head_gradient;

static head_gradient gradient_of_head(const attention_case *a, const float *d_y, const float *y, int s,
                                      int h) {
    int count = a->length * a->depth;
    head_gradient g;
    double **all[] = {&g.q, &g.k, &g.v};
    for (int i = 0; i < 3; i++) {
        *all[i] = room(sizeof(double) * (size_t)count);
        memset(*all[i], 0, sizeof(double) * (size_t)count);
    }
    for (int i = 0; i < a->length; i++) {
        const float *d = d_y + ((s * a->length + i) * a->heads + h) * a->depth;
        const float *out = y + ((s * a->length + i) * a->heads + h) * a->depth;
        double most, sum, delta = 0;
        normaliser(a, s, h, i, &most, &sum);
        for (int c = 0; c < a->depth; c++) { delta += (double)d[c] * (double)out[c]; }
        for (int j = 0; j <= i; j++) {
            double p = exp(score(a, s, h, i, j) - most) / sum, m = kept(a, s, h, i, j), dot = 0;
            for (int c = 0; c < a->depth; c++) { dot += (double)d[c] * element(a, a->v, s, h, j, c); }
            double d_s = (double)score_scale * p * (m * dot - delta);
            for (int c = 0; c < a->depth; c++) {
                g.v[j * a->depth + c] += m * p * (double)d[c];
                g.q[i * a->depth + c] += d_s * element(a, a->k, s, h, j, c);
                g.k[j * a->depth + c] += d_s * element(a, a->q, s, h, i, c);
            }
        }
    }
    return g;
}

static void check_gradients(const attention_case *a, const float *y, const float *maximums,
                            const float *sums) {
    int width = a->heads * a->depth, d_row = width + 3, count = a->sequences * a->length;
    float *d_y = numbers(count * width), *d_q = blank(count * d_row), *d_k = blank(count * d_row);
    float *d_v = blank(count * d_row);
    causal_attention_gradient(d_q, d_k, d_v, d_y, y, a->q, a->k, a->v, maximums, sums, a->row, d_row,
                              a->sequences, a->heads, a->length, a->depth, score_scale, a->rate,
                              dropout_key);
    for (int s = 0; s < a->sequences; s++) {
        for (int h = 0; h < a->heads; h++) {
            head_gradient g = gradient_of_head(a, d_y, y, s, h);
            for (int i = 0; i < a->length * a->depth; i++) {
                int at = (s * a->length + i / a->depth) * d_row + h * a->depth + i % a->depth;
                double tolerance = 1e-5 * (a->depth + 4);
                CLOSE(d_q[at], g.q[i], tolerance);
                CLOSE(d_k[at], g.k[i], tolerance);
                CLOSE(d_v[at], g.v[i], tolerance);
            }
        }
    }
    for (int i = 0; i < count * d_row; i++) {  // what lies between the rows is left alone
        if (i % d_row >= width) { CHECK(isnan(d_q[i]) && isnan(d_k[i]) && isnan(d_v[i])); }
    }
}

// Rows behind others of the same sequence have the bits that they have in a pass over all.
static void check_continuation(const attention_case *a, const float *y) {
    int width = a->heads * a->depth, count = a->length * width;
    for (int past = 0; past < a->length; past += 1 + a->length / 5) {
        float *rest = copy_of(y, count);
        for (int i = past * width; i < count; i++) { rest[i] = NAN; }
        size_t before = (size_t)past * (size_t)a->row;
        causal_attention_after(rest + past * width, NULL, NULL, a->q + before, a->k + before,
                               a->v + before, a->row, 1, a->heads, past, a->length - past, a->depth,
                               score_scale, a->rate, dropout_key);
        CHECK(memcmp(rest, y, sizeof *y * (size_t)count) == 0);
    }
}

static void check_attention_of(int sequences, int heads, int length, int depth, double rate, int joined) {
    attention_case a = attention_case_of(sequences, heads, length, depth, rate, joined);
    int pairs = sequences * heads * length;
    float *y = blank(pairs * depth), *maximums = blank(pairs), *sums = blank(pairs);
    float *again = blank(pairs * depth);
    run_attention(&a, y, maximums, sums);
    check_outputs(&a, y, maximums, sums);
    run_attention(&a, again, NULL, NULL);
    CHECK(memcmp(again, y, sizeof *y * (size_t)(pairs * depth)) == 0);
    check_gradients(&a, y, maximums, sums);
    if (sequences == 1) { check_continuation(&a, y); }
    release();
}

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
}
