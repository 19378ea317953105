// check_attention_gradient.h: gradients of causal attention of all forms.
#include "attention_case.h"
#include "attention_gradient.c"
#include "attention_sinks.h"
#include "general_attention_gradient.c"

// The last argument of kernels that know documents.
#if MODEL_TAKES_DOCUMENTS
#include "documents.h"
#define DOCUMENTS(a) , (a)->beginnings
#else
#define DOCUMENTS(a)
#endif

// Gradients of one head of keys in double precision, by the formulas of attention_gradient.h: q of all
// heads that read it, one after the other, and of what sinks those have.
typedef struct {
    double *q, *k, *v, *sinks;
} head_gradient;

static double *zeros(int count) {
    double *x = room(sizeof(double) * (size_t)count);
    memset(x, 0, sizeof(double) * (size_t)count);
    return x;
}

static void add_gradient(const attention_case *a, head_gradient *g, const float *d_y, const float *y,
                         int s, int h, int i) {
    int depth = a->as.depth, member = h % a->as.group;
    const float *d = d_y + ((s * a->as.length + i) * a->as.heads + h) * depth;
    const float *out = y + ((s * a->as.length + i) * a->as.heads + h) * depth;
    double most, sum, delta = 0, cap = (double)a->as.cap;
    normaliser(a, s, h, i, &most, &sum);
    for (int c = 0; c < depth; c++) { delta += (double)d[c] * (double)out[c]; }
    if (a->sinks) { g->sinks[member] -= exp((double)a->sinks[h] - most) / sum * delta; }
    for (int j = first_key(a, s, i); j <= i; j++) {
        double z = score(a, s, h, i, j), p = exp(z - most) / sum, m = keeps(a, s, h, i, j), dot = 0;
        for (int c = 0; c < depth; c++) { dot += (double)d[c] * element(a, a->v, s, h, j, c); }
        double d_s = (double)score_scale * p * (m * dot - delta);
        if (cap > 0) { d_s *= 1 - z / cap * (z / cap); }
        for (int c = 0; c < depth; c++) {
            g->v[j * depth + c] += m * p * (double)d[c];
            g->q[(member * a->as.length + i) * depth + c] += d_s * element(a, a->k, s, h, j, c);
            g->k[j * depth + c] += d_s * query(a, s, h, i, c);
        }
    }
}

static head_gradient gradient_of_keys(const attention_case *a, const float *d_y, const float *y, int s,
                                      int key_head) {
    int count = a->as.length * a->as.depth, group = a->as.group;
    head_gradient g = {zeros(group * count), zeros(count), zeros(count), zeros(group)};
    for (int h = key_head * group; h < (key_head + 1) * group; h++) {
        for (int i = 0; i < a->as.length; i++) { add_gradient(a, &g, d_y, y, s, h, i); }
    }
    return g;
}

static void run_gradients(const attention_case *a, float *const d[3], const float *d_y, const float *y,
                          const float *maximums, const float *sums, int d_row, int general) {
    attention_shape as = a->as;
    attention_form form = form_of(a);
    form.sinks = NULL;
    if (general) {
        general_attention_gradient(d[0], d[1], d[2], d_y, y, a->q, a->k, a->v, maximums, sums,
                                   as.sequences, as.heads, as.length, as.depth, score_scale, as.rate,
                                   dropout_key, &form);
    } else {
        causal_attention_gradient(d[0], d[1], d[2], d_y, y, a->q, a->k, a->v, maximums, sums, a->row,
                                  d_row, as.sequences, as.heads, as.length, as.depth, score_scale, as.rate,
                                  dropout_key DOCUMENTS(a));
    }
}

static void check_sink_gradients(const attention_case *a, const double *wanted, const float *d_y,
                                 const float *y, const float *maximums, const float *sums) {
    attention_shape as = a->as;
    float *d_sinks = blank(as.heads);
    attention_sink_gradient(d_sinks, d_y, y, a->sinks, maximums, sums, as.sequences, as.heads, as.length,
                            as.depth);
    for (int h = 0; h < as.heads; h++) {
        CLOSE(d_sinks[h], wanted[h], 1e-6 * (as.depth + 4) * as.sequences * (as.length + 4));
    }
}

static void check_gradients(const attention_case *a, const float *y, const float *maximums,
                            const float *sums, int general) {
    attention_shape as = a->as;
    int width = as.heads * as.depth, key_width = a->key_heads * as.depth, count = as.sequences * as.length;
    int row = general ? a->row : width + 3, key_row = general ? a->key_row : width + 3;
    float *d_y = numbers(count * width);
    float *d[3] = {blank(count * row), blank(count * key_row), blank(count * key_row)};
    run_gradients(a, d, d_y, y, maximums, sums, row, general);
    double tolerance = 1e-5 * (as.depth + 4) * as.group, *d_sinks = zeros(as.heads);
    for (int n = 0; n < as.sequences * a->key_heads; n++) {
        int s = n / a->key_heads, h = n % a->key_heads;
        head_gradient g = gradient_of_keys(a, d_y, y, s, h);
        for (int i = 0; i < as.group; i++) { d_sinks[h * as.group + i] += g.sinks[i]; }
        for (int i = 0; i < as.length * as.depth; i++) {
            int t = s * as.length + i / as.depth, c = i % as.depth;
            CLOSE(d[1][t * key_row + h * as.depth + c], g.k[i], tolerance);
            CLOSE(d[2][t * key_row + h * as.depth + c], g.v[i], tolerance);
        }
        for (int i = 0; i < as.group * as.length * as.depth; i++) {
            int member = i / as.depth / as.length, t = s * as.length + i / as.depth % as.length;
            CLOSE(d[0][t * row + (h * as.group + member) * as.depth + i % as.depth], g.q[i], tolerance);
        }
    }
    for (int i = 0; i < count * row; i++) {  // what lies between the rows is left alone
        CHECK(i % row < width || isnan(d[0][i]));
    }
    for (int i = 0; i < count * key_row; i++) {
        CHECK(i % key_row < key_width || (isnan(d[1][i]) && isnan(d[2][i])));
    }
    if (a->sinks) { check_sink_gradients(a, d_sinks, d_y, y, maximums, sums); }
}
