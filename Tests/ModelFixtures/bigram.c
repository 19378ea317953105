// bigram.c: a small model, written by hand, that has every function of the model interface.
//
// A token's embedding, [V, C], goes through the weights of one of two experts, [2, V, C] (even or
// odd tokens), to logits. It has a softmax gradient, AdamW with a step count for each expert, and
// noise on the embedding, so that seeds matter. -D switches make it wrong in the ways that tests need.
#include "moec_model.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef VOCABULARY
#define VOCABULARY 12
#endif
#ifndef ABI
#define ABI 1
#endif
#ifndef MANIFEST_ABI
#define MANIFEST_ABI "1"
#endif
// -DROUTER tells of a router; its value is the share of tokens that choose by themselves, the others
// all choose expert 0. Experts have room for 3/4 of a batch, which is only counted.
#ifdef ROUTER
#define ROUTERS "\"routers\":[{\"name\":\"expert\",\"experts\":2,\"choices\":1,\"capacity\":1.5}],"
#else
#define ROUTERS ""
#endif
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)

enum { V = VOCABULARY, T = 8, B = 4, C = 6, E = 2 };
enum { EMBEDDING = V * C, EXPERTS = E * V * C, TOTAL = EMBEDDING + EXPERTS };

struct moec_model {
    float kinds[4][TOTAL];       // value, gradient, first and second moment
    float steps[1 + E];          // one count for the embedding, one for each expert
    int decays[2];               // whether weight decay applies, for each parameter
    int accumulated, used[E];    // batches since the last update, and the experts that saw rows in them
    float share;                 // of their targets that are not ignored, added up
    const char *error;
#ifdef ROUTER
    int32_t chosen[B * T], replay[B * T];  // of the last pass, for the next one
    int tokens, replays;
    moec_load loads[2][E];                 // evaluation, training
#endif
};

int moec_abi(void) { return ABI; }

#ifdef MISSING
const char *moec_missing_feature(void) { return MISSING; }
#endif

const char *moec_manifest(void) {
#ifdef MANIFEST
    return MANIFEST;
#else
    return "{\"abi\":" MANIFEST_ABI ",\"name\":\"bigram\",\"axes\":{\"V\":" TEXT(VOCABULARY) ",\"T\":8,\"B\":4,"
           "\"C\":6,\"E\":2},\"parameters\":[{\"name\":\"token\",\"shape\":[" TEXT(VOCABULARY) ",6],"
           "\"axes\":[\"V\",\"C\"],\"init\":\"normal\",\"decay\":true,\"steps\":1},"
           "{\"name\":\"expert.weight\",\"shape\":[2," TEXT(VOCABULARY) ",6],\"axes\":[\"E\",\"V\",\"C\"],"
           "\"init\":\"normal\",\"decay\":true,\"steps\":2}],\"defaults\":{\"learning_rate\":0.01,\"beta1\":0.9,"
           "\"beta2\":0.999,\"epsilon\":1e-8,\"weight_decay\":0.01},\"vocabulary\":" TEXT(VOCABULARY) ",\"context\":8,"
           "\"batch\":4,\"memory\":{\"parameters\":864,\"optimizer\":1728,\"saved\":0,\"scratch\":0,\"total\":3500},"
           "\"flops\":{\"forward\":1000,\"step\":3000},\"compiler\":\"by hand\",\"source\":\"bigram.c\","
           "\"vocabulary_line\":\"bigram.swift:4\"," ROUTERS "\"unheard_of\":[1,2]}";
#endif
}

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// A number in -1 .. 1 that depends on the seed and the index alone.
static float noise(uint64_t seed, uint64_t index) {
    return (float)(mix(mix(seed) + index * 0x9e3779b97f4a7c15u) >> 40) / 8388608.0f - 1.0f;
}

moec_model *moec_create(void) {
#ifdef NO_MEMORY
    return NULL;
#else
    moec_model *model = calloc(1, sizeof(moec_model));
    if (model) model->error = "", model->decays[0] = model->decays[1] = 1;
    return model;
#endif
}

void moec_destroy(moec_model *model) { free(model); }

void moec_initialize(moec_model *model, uint64_t seed) {
    memset(model->kinds, 0, sizeof model->kinds);
    memset(model->steps, 0, sizeof model->steps);
    model->accumulated = 0;
    for (int i = 0; i < TOTAL; i++) model->kinds[0][i] = noise(seed, (uint64_t)i);
}

static int fail(moec_model *model, const char *why) {
    model->error = why;
    return 1;
}

int moec_set_threads(moec_model *model, int count) {
    return count < 1 ? fail(model, "at least one thread is needed") : 0;
}

// The numbers of one parameter and how many they are; NULL if there are none.
static float *locate(moec_model *model, int kind, int index, int *count) {
    if (index < 0 || index > 1 || kind < 0 || kind > MOEC_STEPS) return NULL;
    if (kind == MOEC_STEPS) return *count = index ? E : 1, model->steps + index;
    return *count = index ? EXPERTS : EMBEDDING, model->kinds[kind] + (index ? EMBEDDING : 0);
}

int moec_read(const moec_model *model, int kind, int index, float *out) {
    int count;
    const float *from = locate((moec_model *)model, kind, index, &count);
    if (!from) return fail((moec_model *)model, "no such parameter");
    memcpy(out, from, (size_t)count * sizeof *out);
    return 0;
}

int moec_write(moec_model *model, int kind, int index, const float *in) {
    int count;
    float *to = locate(model, kind, index, &count);
    if (!to) return fail(model, "no such parameter");
    memcpy(to, in, (size_t)count * sizeof *in);
    return 0;
}

// The text of an earlier failure stays, as moec_error allows: only a NaN or a status makes it news.
static int check(moec_model *model, const int32_t *tokens, int count) {
    for (int i = 0; i < count; i++)
        if (tokens[i] < 0 || tokens[i] >= V) return fail(model, "a token is outside the vocabulary");
    return 0;
}

static int check_targets(moec_model *model, const int32_t *targets) {
    for (int i = 0; i < B * T; i++)
        if (targets[i] != MOEC_IGNORED && check(model, targets + i, 1)) return 1;
    return 0;
}

// The expert of the token at a place: by its parity, or the one that a replay says.
static int route(moec_model *model, int token, int place, int tokens, int training) {
#ifdef ROUTER
    int expert = model->replays ? model->replay[place] : token < ROUTER * V ? token % E : 0;
    moec_load *load = &model->loads[training][expert];
    int before = 0;
    for (int i = 0; i < place; i++) before += model->chosen[i] == expert;
    *load = (moec_load){load->chosen + 1, load->kept + (before < tokens * 3 / 4), load->weight + 1};
    model->chosen[place] = expert;
    if (place == tokens - 1) model->tokens = tokens, model->replays = 0;
    return expert;
#else
    (void)model, (void)place, (void)tokens, (void)training;
    return token % E;
#endif
}

// The noisy embedding x[C] of a token, and the logits of its expert.
static void forward(const moec_model *model, int token, int expert, uint64_t seed, uint64_t place, float *x, float *logits) {
    for (int c = 0; c < C; c++)
        x[c] = model->kinds[0][token * C + c] * (1 + 0.05f * noise(seed, place * C + (uint64_t)c));
    const float *weight = model->kinds[0] + EMBEDDING + expert * V * C;
    for (int v = 0; v < V; v++) {
        logits[v] = 0;
        for (int c = 0; c < C; c++) logits[v] += x[c] * weight[v * C + c];
    }
}

// The mean loss over targets that are not ignored; adds to the gradients if they are wanted, by their share.
static float run(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed, int backward) {
    float loss = 0, *gradient = model->kinds[1];
    int kept = 0;
    if (check(model, tokens, B * T) || check_targets(model, targets)) return NAN;
    for (int i = 0; i < B * T; i++) kept += targets[i] != MOEC_IGNORED;
    if (backward) model->share += (float)kept / (B * T);
    for (int i = 0; i < B * T && kept; i++) {
        float x[C], p[V], sum = 0;
        int token = tokens[i], chosen = route(model, token, i, B * T, backward), expert = EMBEDDING + chosen * V * C;
        if (targets[i] == MOEC_IGNORED) continue;
        model->used[chosen] |= backward;
        forward(model, token, chosen, seed, (uint64_t)i, x, p);
        float highest = p[0];
        for (int v = 1; v < V; v++) highest = fmaxf(highest, p[v]);
        loss += highest - p[targets[i]];
        for (int v = 0; v < V; v++) sum += p[v] = expf(p[v] - highest);
        loss += logf(sum);
        for (int v = 0; backward && v < V; v++) {
            float d = (p[v] / sum - (v == targets[i])) / (B * T);
            for (int c = 0; c < C; c++) {
                gradient[expert + v * C + c] += d * x[c];
                gradient[token * C + c] += d * model->kinds[0][expert + v * C + c];
            }
        }
    }
#ifdef DIVERGES
    return model->steps[0] >= DIVERGES ? NAN : loss / (float)(kept ? kept : 1);
#else
    return loss / (float)(kept ? kept : 1);
#endif
}

static void adamw(moec_model *model, int start, int count, float *steps, const moec_hyper *hyper) {
    float decay = model->decays[start >= EMBEDDING] ? hyper->weight_decay : 0;
    float t = *steps += 1, correct1 = 1 - powf(hyper->beta1, t), correct2 = 1 - powf(hyper->beta2, t);
    for (int i = start; i < start + count; i++) {
        float *p = &model->kinds[0][i], g = model->kinds[1][i], *m = &model->kinds[2][i], *v = &model->kinds[3][i];
        *m = hyper->beta1 * *m + (1 - hyper->beta1) * g;
        *v = hyper->beta2 * *v + (1 - hyper->beta2) * g * g;
        *p *= 1 - hyper->learning_rate * decay;
        *p -= hyper->learning_rate / correct1 * *m / (sqrtf(*v) / sqrtf(correct2) + hyper->epsilon);
    }
}

static void update(moec_model *model, const moec_hyper *hyper) {
    adamw(model, 0, EMBEDDING, model->steps, hyper);
    for (int e = 0; e < E; e++)
        if (model->used[e]) adamw(model, EMBEDDING + e * V * C, V * C, model->steps + 1 + e, hyper);
    model->accumulated = 0;
}

// Forward and backward; the first call after an update starts from zero.
static float accumulate(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    if (check(model, tokens, B * T) || check_targets(model, targets)) return NAN;
    if (!model->accumulated) {
        model->share = 0;
        memset(model->kinds[1], 0, sizeof model->kinds[1]);
        memset(model->used, 0, sizeof model->used);
    }
    model->accumulated++;
    return run(model, tokens, targets, seed, 1);
}

float moec_train_step(moec_model *model, const int32_t *tokens, const int32_t *targets, const moec_hyper *hyper) {
    model->accumulated = 0;
    float loss = accumulate(model, tokens, targets, hyper->seed);
    for (int i = 0; model->share > 0 && i < TOTAL; i++) model->kinds[1][i] /= model->share;
    if (isfinite(loss) && model->share > 0) update(model, hyper);
    return loss;
}

float moec_gradients(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    model->accumulated = 0;
    float loss = accumulate(model, tokens, targets, seed);
    model->accumulated = 0;
    return loss;
}

#ifndef BASIC
int moec_set_decay(moec_model *model, int index, int decays) {
    if (index < 0 || index > 1) return fail(model, "no such parameter");
    model->decays[index] = decays != 0;
    return 0;
}

float moec_accumulate(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    return accumulate(model, tokens, targets, seed);
}

float moec_update(moec_model *model, const moec_hyper *hyper, float max_norm) {
    if (!model->accumulated) return fail(model, "nothing was accumulated"), NAN;
    float *gradient = model->kinds[1], scale = 1.0f / model->share;
    if (model->share == 0) return model->accumulated = 0, 0;
    double sum = 0;
    for (int i = 0; i < TOTAL; i++) {
        gradient[i] *= scale;
        sum += (double)gradient[i] * gradient[i];
    }
    float norm = (float)sqrt(sum);
    if (!isfinite(norm)) return norm;
    float clip = max_norm > 0 ? fminf(1, max_norm / (norm + 1e-6f)) : 1;
    for (int i = 0; i < TOTAL; i++) gradient[i] *= clip;
    update(model, hyper);
    return norm;
}

int moec_average(moec_model *average, const moec_model *model, float keep) {
    if (!(keep >= 0 && keep < 1)) return fail(average, "the share to keep must be at least 0 and below 1");
    for (int i = 0; i < TOTAL; i++)
        average->kinds[0][i] = keep * average->kinds[0][i] + (1 - keep) * model->kinds[0][i];
    return 0;
}

const char *moec_first_bad(const moec_model *model) {
#ifdef DIVERGES
    return model->steps[0] >= DIVERGES ? "expert" : NULL;
#else
    return model->steps[0] >= 0 ? NULL : "token";
#endif
}
#endif

float moec_loss(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    return run(model, tokens, targets, seed, 0);
}

int moec_logits(moec_model *model, const int32_t *tokens, int length, uint64_t seed, float *out) {
    if (length < 1 || length > T) return fail(model, "a sequence has 1 to T tokens");
    if (check(model, tokens, length)) return 1;
    for (int i = 0; i < length; i++) {
        float x[C];
        forward(model, tokens[i], route(model, tokens[i], i, length, 0), seed, (uint64_t)i, x, out + i * V);
    }
    return 0;
}

#ifdef ROUTER
int moec_expert_loads(moec_model *model, int training, moec_load *out) {
    memcpy(out, model->loads[training != 0], sizeof model->loads[0]);
    memset(model->loads[training != 0], 0, sizeof model->loads[0]);
    return 0;
}

int moec_routes(moec_model *model, int tokens, int32_t *experts, int32_t *kept, float *weights) {
    if (tokens != model->tokens) return fail(model, "the last pass had another number of tokens");
    int count[E] = {0};
    for (int i = 0; i < tokens; i++) {
        int room = count[model->chosen[i]]++ < tokens * 3 / 4;
        if (experts) experts[i] = model->chosen[i];
        if (kept) kept[i] = room;
        if (weights) weights[i] = 1;
    }
    return 0;
}

int moec_replay(moec_model *model, const int32_t *experts, int tokens) {
    for (int i = 0; i < tokens; i++)
        if (experts[i] < 0 || experts[i] >= E) return fail(model, "there is no such expert");
    memcpy(model->replay, experts, (size_t)tokens * sizeof *experts);
    model->replays = 1;
    return 0;
}
#endif

#ifndef NO_ERROR_FUNCTION
const char *moec_error(const moec_model *model) { return model->error; }
#endif
