// attention_case.h: cases of attention of all forms, and what is known of them in double precision.
#ifndef ATTENTION_CASE_H
#define ATTENTION_CASE_H

#include "check.h"
#include "attention_form.h"

// joined: q, k and v are parts of one tensor. group, window, cap, hasSinks: what a general one has.
typedef struct {
    int sequences, heads, length, depth, joined;
    double rate;
    int group, window;
    float cap;
    int has_sinks;
} attention_shape;

typedef struct {
    attention_shape as;
    int key_heads, row, key_row;
    float *q, *k, *v, *sinks;
    const int32_t *beginnings;  // NULL: a sequence is one document
} attention_case;

static const float score_scale = 0.7f;
static const uint64_t dropout_key = 0x0123456789abcdefu;

// How long the documents of a sequence are on the average; 0: it is one.
static int mean_document;

// Of each position, where its document begins: some are of one token, some of many.
static const int32_t *random_documents(int sequences, int length) {
    int32_t *beginnings = room((size_t)(sequences * length) * sizeof *beginnings);
    for (int n = 0; n < sequences * length; n++) {
        int t = n % length, begins = t == 0 || draw_below(mean_document) == 0;
        beginnings[n] = begins ? t : beginnings[n - 1];
    }
    return beginnings;
}

static attention_case attention_case_of(attention_shape as) {
    attention_case a = {.as = as, .key_heads = as.heads / as.group};
    int width = as.heads * as.depth, key_width = a.key_heads * as.depth;
    a.row = as.joined ? width + 2 * key_width : width;
    a.key_row = as.joined ? a.row : key_width;
    int count = as.sequences * as.length * a.row, key_count = as.sequences * as.length * a.key_row;
    a.q = numbers(count);
    a.k = as.joined ? a.q + width : numbers(key_count);
    a.v = as.joined ? a.q + width + key_width : numbers(key_count);
    for (int i = 0; i < count; i++) { a.q[i] *= 2; }
    if (as.has_sinks) { a.sinks = numbers(as.heads); }
    if (mean_document) { a.beginnings = random_documents(as.sequences, as.length); }
    return a;
}

static attention_form form_of(const attention_case *a) {
    attention_form form = {.row = a->row, .key_row = a->key_row, .key_heads = a->key_heads,
                           .window = a->as.window, .cap = a->as.cap, .sinks = a->sinks};
#if MODEL_TAKES_DOCUMENTS
    form.beginnings = a->beginnings;
#endif
    return form;
}

static int is_plain(const attention_case *a) {
    return a->as.group == 1 && a->as.window == 0 && a->as.cap == 0 && !a->sinks;
}

// Element c of row t of one head of q; of k or v that the head reads.
static double query(const attention_case *a, int s, int h, int t, int c) {
    return (double)a->q[(s * a->as.length + t) * a->row + h * a->as.depth + c];
}

static double element(const attention_case *a, const float *x, int s, int h, int t, int c) {
    return (double)x[(s * a->as.length + t) * a->key_row + h / a->as.group * a->as.depth + c];
}

static int first_key(const attention_case *a, int s, int i) {
    int first = a->beginnings ? a->beginnings[s * a->as.length + i] : 0;
    return a->as.window ? larger(i - a->as.window + 1, first) : first;
}

static double score(const attention_case *a, int s, int h, int i, int j) {
    double sum = 0, cap = (double)a->as.cap;
    for (int c = 0; c < a->as.depth; c++) { sum += query(a, s, h, i, c) * element(a, a->k, s, h, j, c); }
    sum *= (double)score_scale;
    return cap > 0 ? cap * tanh(sum / cap) : sum;
}

// What dropout multiplies a weight with.
static double keeps(const attention_case *a, int s, int h, int i, int j) {
    uint32_t number = (uint32_t)(((s * a->as.heads + h) * a->as.length + i) * a->as.length + j);
    return (double)dropout_keep(dropout_key, number, a->as.rate);
}

// The largest score of a query, and the sum of e^(score - largest), its head's sink among them.
static void normaliser(const attention_case *a, int s, int h, int i, double *most, double *sum) {
    *most = a->sinks ? (double)a->sinks[h] : -INFINITY;
    for (int j = first_key(a, s, i); j <= i; j++) { *most = fmax(*most, score(a, s, h, i, j)); }
    *sum = a->sinks ? exp((double)a->sinks[h] - *most) : 0;
    for (int j = first_key(a, s, i); j <= i; j++) { *sum += exp(score(a, s, h, i, j) - *most); }
}

#endif
