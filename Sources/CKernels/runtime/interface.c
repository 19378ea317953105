// Every function refuses a model that is not there; what it says then has no place but its result.
static int fail(moec_model *m, const char *message, int value, int limit) {
    snprintf(m->error, sizeof m->error, message, value, limit);
    return 1;
}

static int refuse(moec_model *m, const char *name, float value, const char *range) {
    snprintf(m->error, sizeof m->error, "%s is %g, but must be %s", name, (double)value, range);
    return 1;
}

// The numbers of AdamW's step: others would leave NaN in every parameter, and no trace in the loss.
static int check_hyper(moec_model *m, const moec_hyper *h) {
    if (!h) { return fail(m, "the numbers of the step are missing", 0, 0); }
    float rate = h->learning_rate, decay = h->weight_decay;
    if (!(rate >= 0 && rate <= FLT_MAX)) { return refuse(m, "learning_rate", rate, "finite and not negative"); }
    if (!(h->beta1 >= 0 && h->beta1 < 1)) { return refuse(m, "beta1", h->beta1, "at least 0 and below 1"); }
    if (!(h->beta2 >= 0 && h->beta2 < 1)) { return refuse(m, "beta2", h->beta2, "at least 0 and below 1"); }
    if (!(h->epsilon >= FLT_MIN && h->epsilon <= FLT_MAX)) {
        return refuse(m, "epsilon", h->epsilon, "finite and above 0");
    }
    if (!(decay >= 0 && (double)rate * decay <= 1)) {
        return refuse(m, "weight_decay", decay, "at least 0, and with learning_rate a product of at most 1");
    }
    return 0;
}

// A look at each id: one outside of 0 ..< V would read outside of a table.
static int check_ids(moec_model *m, const int32_t *ids, size_t count, const char *message) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] < 0 || ids[i] >= MODEL_VOCABULARY) { return fail(m, message, ids[i], MODEL_VOCABULARY); }
    }
    return 0;
}

// Whole batches, so many ids in all.
static int check_batches(moec_model *m, const int32_t *tokens, const int32_t *targets, size_t count) {
    return check_ids(m, tokens, count, "token %d is outside of the vocabulary, 0 ..< %d")
#if MODEL_HAS_ROUTERS
        || check_ids(m, targets, count, "target %d is outside of the vocabulary, 0 ..< %d")
        || routes_misfit(m, MODEL_BATCH * MODEL_CONTEXT);
#else
        || check_ids(m, targets, count, "target %d is outside of the vocabulary, 0 ..< %d");
#endif
}

static int take_batch(moec_model *m, const int32_t *tokens, const int32_t *targets) {
    if (!m) { return 1; }
    m->error[0] = 0;
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
    if (!tokens || !targets) { return fail(m, "tokens or targets are missing", 0, 0); }
    if (check_batches(m, tokens, targets, (size_t)MODEL_BATCH * MODEL_CONTEXT)) { return 1; }
    memcpy(m->tokens, tokens, sizeof *tokens * MODEL_BATCH * MODEL_CONTEXT);
    memcpy(m->targets, targets, sizeof *targets * MODEL_BATCH * MODEL_CONTEXT);
    return 0;
}

// Sets the number of threads for one call of the interface, and sets it back. A child of the process that
// made the model goes on alone, where it would wait for threads that are not there.
static int enter(const moec_model *m) {
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

static void leave(int before) {
#ifdef _OPENMP
    omp_set_num_threads(before);
#else
    (void)before;
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

moec_model *moec_create(void) {
    size_t head = (MODEL_LANES * sizeof(moec_model) + 63) / 64 * 64, page = (size_t)2 << 20;
    char *allocation = calloc(1, head + ARENA_BYTES + page);
    if (!allocation) { return NULL; }
    char *start = allocation + (page - (uintptr_t)allocation % page) % page;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    // Fewer, larger pages: products stride through memory faster than small ones can be looked up.
    madvise(start, head + ARENA_BYTES, MADV_HUGEPAGE);
#endif
    moec_model *m = (moec_model *)start;
    for (int lane = 0; lane < MODEL_LANES; lane++) {
        bind(m + lane, start + head, lane);
        m[lane].threads = lane > 0;  // the first one's are the caller's choice
#ifdef FORK_LOSES_THREADS
        m[lane].process = getpid();
#endif
    }
    m->allocation = allocation;
    m->last = m;
    for (int t = 0; t < MODEL_CONTEXT; t++) { m->positions[t] = t; }
    return m;
}

void moec_destroy(moec_model *m) {
    if (m) { free(m->allocation); }
}

int moec_set_threads(moec_model *m, int count) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (count < 1 || count > 4096) { return fail(m, "cannot use %d threads, only 1 to %d", count, 4096); }
    m->threads = count;
    return 0;
}

const char *moec_error(const moec_model *m) { return m ? m->error : "the model is missing"; }

#if MODEL_REORDERS
// Which one of the model's parameters each is: its first values are drawn from the stream of that number.
static const int drawn_as[MODEL_PARAMETERS] = {
    MODEL_DRAWN_AS
};

#endif
// Where element n of a parameter's logical row-major order is stored.
static size_t stored_index(const model_parameter *q, size_t n) {
    if (!q->panels) { return n; }
    size_t each = (size_t)q->outputs * q->inputs, e = n / each, rest = n % each;
    size_t o = rest / q->inputs, i = rest % q->inputs;
    return e * panels_size(q->outputs, q->inputs) + o / 16 * q->inputs * 16 + i * 16 + o % 16;
}

static size_t logical_count(const model_parameter *q) {
    return (size_t)q->stack * q->outputs * q->inputs;
}

void moec_initialize(moec_model *m, uint64_t seed) {
    if (!m) { return; }
    m->error[0] = 0;
    m->batches = m->used_up = 0;
#if MODEL_HAS_ROUTERS
    m->replay_tokens = 0;
    memset(m->routes.load, 0, sizeof m->routes.load);
#endif
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
    memset(m->value, 0, ARENA_SCRATCH);  // gradients, moments, counts and padding too
    int before = enter(m);
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &model_parameters[i];
        float *value = m->value + q->offset;
#if MODEL_REORDERS
        uint64_t key = random_key(seed, (uint64_t)drawn_as[i]);
#else
        uint64_t key = random_key(seed, (uint64_t)i);
#endif
        int count = (int)logical_count(q);
        #pragma omp parallel for schedule(static) if (count > 65536)
        for (int n = 0; n < count; n++) {
            float drawn = 1;
            if (q->distribution == 1) { drawn = random_normal(key, (uint32_t)n); }
            if (q->distribution == 2) { drawn = 2 * random_uniform(key, (uint32_t)n) - 1; }
            value[stored_index(q, (size_t)n)] = q->scale * drawn;
        }
    }
    leave(before);
}

#define NO_TENSOR "there is no tensor of kind %d and index %d"
#if MODEL_HAS_STATES

// Which parameters are states: rules update them, and nothing is kept beside their values.
static const int model_states[] = {MODEL_STATES};
enum { STATE_COUNT = sizeof model_states / sizeof *model_states };

static int is_state(int index) {
    for (int i = 0; i < STATE_COUNT; i++) { if (model_states[i] == index) { return 1; } }
    return 0;
}

// Whether a tensor is one that a state does not have; the error says so.
static int lacks_tensor(moec_model *m, int kind, int index) {
    return kind != MOEC_VALUE && is_state(index)
        && fail(m, "parameter %d is a state: it has a value, and no tensor of kind %d", index, kind);
}
#endif

// Step counts are floats, which hold every whole number up to here; there they stay.
#define MOST_STEPS 16777216.0f

// The tensor that kind and index name, and its element count; NULL if there is none.
static float *tensor(const moec_model *m, int kind, int index, size_t *count) {
    if (index < 0 || index >= MODEL_PARAMETERS) { return NULL; }
    const model_parameter *q = &model_parameters[index];
    *count = kind == MOEC_STEPS ? (size_t)q->steps : logical_count(q);
    switch (kind) {
    case MOEC_VALUE: return m->value + q->offset;
    case MOEC_GRADIENT: return m->gradient + q->offset;
    case MOEC_FIRST_MOMENT: return m->first + q->offset;
    case MOEC_SECOND_MOMENT: return m->second + q->offset;
    case MOEC_STEPS: return m->steps + q->first_step;
    default: return NULL;
    }
}

int moec_read(const moec_model *model, int kind, int index, float *out) {
    moec_model *m = (moec_model *)model;  // of which only the error is written
    if (!m) { return 1; }
    m->error[0] = 0;
#if MODEL_HAS_STATES
    if (lacks_tensor(m, kind, index)) { return 1; }
#endif
    size_t count = 0;
    const float *from = tensor(m, kind, index, &count);
    if (!from) { return fail(m, NO_TENSOR, kind, index); }
    if (!out) { return fail(m, "the place for the numbers is missing", 0, 0); }
    if (kind == MOEC_GRADIENT && m->used_up) {
        return fail(m, "the gradients went into a training step, which keeps none", 0, 0);
    }
    const model_parameter *q = &model_parameters[index];
    for (size_t n = 0; n < count; n++) { out[n] = from[kind == MOEC_STEPS ? n : stored_index(q, n)]; }
    return 0;
}

// What AdamW takes a root of, or a power by, must be what AdamW itself could have left there.
static int check_numbers(moec_model *m, int kind, const float *in, size_t count) {
    for (size_t n = 0; n < count; n++) {
        if (kind == MOEC_SECOND_MOMENT && !(in[n] >= 0)) {
            return refuse(m, "a second moment", in[n], "at least 0");
        }
        if (kind == MOEC_STEPS && !(in[n] >= 0 && in[n] <= MOST_STEPS && in[n] == floorf(in[n]))) {
            return refuse(m, "a step count", in[n], "a whole number from 0 to 16777216");
        }
    }
    return 0;
}

int moec_write(moec_model *m, int kind, int index, const float *in) {
    if (!m) { return 1; }
    m->error[0] = 0;
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
#if MODEL_HAS_STATES
    if (lacks_tensor(m, kind, index)) { return 1; }
#endif
    size_t count = 0;
    float *to = tensor(m, kind, index, &count);
    if (!to) { return fail(m, NO_TENSOR, kind, index); }
    if (!in) { return fail(m, "the numbers are missing", 0, 0); }
    if (check_numbers(m, kind, in, count)) { return 1; }
    const model_parameter *q = &model_parameters[index];
    for (size_t n = 0; n < count; n++) { to[kind == MOEC_STEPS ? n : stored_index(q, n)] = in[n]; }
    return 0;
}
