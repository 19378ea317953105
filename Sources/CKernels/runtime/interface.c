// What is the same for every library: errors, threads, what its memory is listed by.

#include "update.h"
#include "kernels/panels.h"

#include <stdio.h>

// Declared here because not every compiler that knows the pragmas has omp.h.
#ifdef _OPENMP
void omp_set_num_threads(int count);
#endif

// gcc's OpenMP expects in a child the threads of its parent, which fork leaves behind.
#if defined(_OPENMP) && defined(__unix__) && !defined(__clang__)
#include <unistd.h>
#define FORK_LOSES_THREADS
#endif

int model_fail(moec_model *m, const char *message, int value, int limit) {
    snprintf(m->error, sizeof m->error, message, value, limit);
    return 1;
}

int model_refuse(moec_model *m, const char *name, float value, const char *range) {
    snprintf(m->error, sizeof m->error, "%s is %g, but must be %s", name, (double)value, range);
    return 1;
}

const char *model_name(moec_model *m, const char *scope, int use, const char *name) {
    const char *dot = *scope && *name ? "." : "";
    if (use < 0) {
        snprintf(m->name, sizeof m->name, "%s%s%s", scope, dot, name);
    } else {
        snprintf(m->name, sizeof m->name, "%s.%d%s%s", scope, use, dot, name);
    }
    return m->name;
}

#if MODEL_REORDERS
model_parameter *model_add_parameters(model_parameter *q, const model_parameter_row *rows, int count, const char *scope,
                                      int use, int drawn_as) {
#else
model_parameter *model_add_parameters(model_parameter *q, const model_parameter_row *rows, int count, const char *scope,
                                      int use) {
#endif
    for (int i = 0; i < count; i++, q++) {
        const model_parameter_row *row = &rows[i];
        size_t panels = (size_t)row->stack * panels_size(row->outputs, row->inputs);
        q->row = *row;
        q->scope = scope;
        q->use = use;
        q->begins = i == 0;
        q->stored = row->holds & PANELS ? panels : (size_t)row->stack * row->outputs * row->inputs;
#if MODEL_REORDERS
        q->drawn_as = drawn_as + row->drawn_as;
#endif
        // The next one lies behind what this one has.
        size_t room = (q->stored + 15) / 16 * 16;
        model_parameter *next = q + 1;
        *next = *q;
        next->value += room;
        if (row->holds & LEARNS) {
            next->gradient += room;
            next->first += room;
            next->second += room;
            next->steps += row->steps;
            next->first_step += row->steps;
        } else {
            q->gradient = q->first = q->second = q->steps = NULL;
        }
#if MODEL_HAS_STATES
        if (row->holds & STATE) {
            next->next += room;
        } else {
            q->next = NULL;
        }
#endif
    }
    return q;
}
#if MODEL_HAS_ROUTERS

model_router *model_add_routers(model_router *r, const model_router_row *rows, int count, const char *scope, int use) {
    for (int i = 0; i < count; i++, r++) {
        *r = (model_router){rows[i], scope, use, r->first_expert, r->first_choice};
        r[1].first_expert = r->first_expert + rows[i].experts;
        r[1].first_choice = r->first_choice + rows[i].choices;
    }
    return r;
}
#endif

int model_check_ids(moec_model *m, const int32_t *ids, size_t count, const char *message) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= MODEL_VOCABULARY) { return model_fail(m, message, ids[i], MODEL_VOCABULARY); }
    }
    return 0;
}

static int check_targets(moec_model *m, const int32_t *targets, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (targets[i] == MOEC_IGNORED || (targets[i] >= 0 && targets[i] < MODEL_VOCABULARY)) { continue; }
        return model_fail(m, "target %d is outside of the vocabulary, 0 ..< %d, and not MOEC_IGNORED, -100",
                          targets[i], MODEL_VOCABULARY);
    }
    return 0;
}

int model_check_batches(moec_model *m, const int32_t *tokens, const int32_t *targets, size_t count) {
#if MODEL_INFERS
    (void)tokens, (void)targets, (void)count, (void)check_targets;
    return model_fail(m, "this library was compiled with --inference: it has no loss, and learns nothing", 0, 0);
#else
    return model_check_ids(m, tokens, count, "token %d is outside of the vocabulary, 0 ..< %d")
#if MODEL_HAS_ROUTERS
        || check_targets(m, targets, count)
        || routes_misfit(m, MODEL_BATCH * MODEL_CONTEXT);
#else
        || check_targets(m, targets, count);
#endif
#endif
}

// A child of the process that made the model goes on alone, where it would wait for threads that are not there.
int model_enter(const moec_model *m) {
#ifdef _OPENMP
    int before = omp_get_max_threads();
    if (m->threads > 0) { omp_set_num_threads(m->threads); }
#ifdef FORK_LOSES_THREADS
    if (m->process != getpid()) { omp_set_num_threads(1); }
#endif
    return before;
#else
    (void)m;
    return 1;
#endif
}

void model_leave(int before) {
#ifdef _OPENMP
    omp_set_num_threads(before);
#else
    (void)before;
#endif
}

model_pass model_batch(const moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    model_pass pass = {.sequences = MODEL_BATCH, .length = MODEL_CONTEXT, .seed = seed,
                       .tokens = tokens, .targets = targets, .positions = m->positions};
#if MODEL_SHARES_EXPERTS
    pass.update = m->update;
#endif
#if MODEL_HAS_ROUTERS
    pass.replays = m->replay_tokens > 0;
#endif
    return pass;
}

void model_note_pass(moec_model *m, const moec_model *lane, const model_pass *pass) {
    m->last = lane;
#if MODEL_HAS_ROUTERS
    routes_count(m, pass);
#else
    (void)pass;
#endif
}

int moec_abi(void) { return MOEC_ABI; }

const char *moec_missing_feature(void) {
#if defined(__x86_64__) && defined(__GNUC__)
#define NEEDS(feature) do { if (!__builtin_cpu_supports(feature)) { return feature; } } while (0)
    __builtin_cpu_init();
#ifdef __POPCNT__
    NEEDS("popcnt");
#endif
#ifdef __AVX2__
    NEEDS("avx2");
#endif
#ifdef __FMA__
    NEEDS("fma");
#endif
#ifdef __BMI__
    NEEDS("bmi");
#endif
#ifdef __BMI2__
    NEEDS("bmi2");
#endif
#ifdef __AVX512F__
    NEEDS("avx512f");
#endif
#ifdef __AVX512VL__
    NEEDS("avx512vl");
#endif
#ifdef __AVX512DQ__
    NEEDS("avx512dq");
#endif
#ifdef __AVX512BW__
    NEEDS("avx512bw");
#endif
#ifdef __AVX512CD__
    NEEDS("avx512cd");
#endif
#ifdef __AVX512IFMA__
    NEEDS("avx512ifma");
#endif
#ifdef __AVX512VBMI__
    NEEDS("avx512vbmi");
#endif
#ifdef __AVX512VBMI2__
    NEEDS("avx512vbmi2");
#endif
#ifdef __AVX512VNNI__
    NEEDS("avx512vnni");
#endif
#ifdef __AVX512BITALG__
    NEEDS("avx512bitalg");
#endif
#ifdef __AVX512VPOPCNTDQ__
    NEEDS("avx512vpopcntdq");
#endif
#ifdef __GFNI__
    NEEDS("gfni");
#endif
#ifdef __VPCLMULQDQ__
    NEEDS("vpclmulqdq");
#endif
#endif
    return NULL;
}

int moec_set_threads(moec_model *m, int count) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (count < 1 || count > 4096) { return model_fail(m, "cannot use %d threads, only 1 to %d", count, 4096); }
    m->threads = count;
    return 0;
}

const char *moec_error(const moec_model *m) { return m ? m->error : "the model is missing"; }
