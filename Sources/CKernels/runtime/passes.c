// Notes which experts had rows since the last update: m->used is read as the experts' first rows are.
static void note_experts(moec_model *m) {
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        if (!m->start[i]) { continue; }
        int32_t *used = m->used + model_parameters[i].first_step + i, previous = 0;
        for (int e = 0; e < model_parameters[i].steps; e++) {
            int32_t was = m->batches ? used[e + 1] - previous : 0;
            previous = used[e + 1];
            used[e + 1] = used[e] + (was || m->start[i][e] < m->start[i][e + 1]);
        }
    }
}

#if MODEL_HAS_STATES
// Copies what the rules of all states made in the last pass to their places in a region: to their values after
// a step, among the gradients, which states do not have, while batches are added up.
static void move_states(const moec_model *m, float *to) {
    MODEL_STATE_MOVES
}

// Gives all states the mean of what their rules made for the accumulated batches.
static void update_states(moec_model *m) {
    for (int i = 0; i < STATE_COUNT; i++) {
        const model_parameter *q = &model_parameters[model_states[i]];
        float *value = m->value + q->offset, *sum = m->gradient + q->offset;
        for (size_t n = 0; n < q->stored; n++) { value[n] = sum[n] / (float)m->batches; }
    }
}

#endif
static adamw_numbers numbers_of(const moec_hyper *h) {
    return (adamw_numbers){h->learning_rate, h->beta1, h->beta2, h->epsilon, h->weight_decay};
}

#if MODEL_HAS_ROUTERS
// Notes in which lane the last pass was made, and counts what its routers chose.
static void note_pass(moec_model *m, const moec_model *lane, const model_pass *pass) {
    m->last = lane;
    routes_count(m, pass);
#else
// Notes in which lane the last pass was made.
static void note_pass(moec_model *m, const moec_model *lane) {
    m->last = lane;
#endif
}

// Forward over a batch that take_batch has taken, and back through the model for gradients, or with h for a
// step of AdamW, most of which is made on the way. Returns the loss. One that is not finite ends it before
// anything is changed.
#if MODEL_HAS_OBJECTIVE
// So does an objective that is not finite, which is returned in its place.
#endif
static float train(moec_model *m, uint64_t seed, const moec_hyper *h) {
    model_pass pass = {MODEL_BATCH, MODEL_CONTEXT, 1, seed, m->tokens, m->targets, m->positions, MODEL_REST_OF_PASS};
    int before = enter(m);
    forward(m, &pass);
#if MODEL_HAS_ROUTERS
    note_pass(m, m, &pass);
#else
    note_pass(m, m);
#endif
#if MODEL_HAS_LOSS
    float loss = m->MODEL_LOSS;
#else
    float loss = NAN;
#endif
#if MODEL_HAS_OBJECTIVE
    if (!isfinite(m->MODEL_OBJECTIVE)) { loss = m->MODEL_OBJECTIVE; }
#endif
    if (isfinite(loss)) {
        const adamw_numbers step = h ? numbers_of(h) : (adamw_numbers){0};
        if (h) {
            note_experts(m);
            model_count_step(m);
        }
#if MODEL_UPDATES_IN_BACKWARD
        bind_updates(m, h ? &step : NULL);
#endif
        backward(m, &pass);
        if (h) {
            model_update(m, &step, 0);
        }
#if MODEL_HAS_STATES
        move_states(m, h ? m->value : m->gradient);
#endif
#if MODEL_UPDATES_IN_BACKWARD
        m->used_up = h != NULL;
#else
        m->used_up = 0;
#endif
    }
    leave(before);
    return loss;
}

float moec_gradients(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    if (take_batch(m, tokens, targets)) { return NAN; }
    m->batches = 0;
    return train(m, seed, NULL);
}

float moec_train_step(moec_model *m, const int32_t *tokens, const int32_t *targets, const moec_hyper *h) {
    if (take_batch(m, tokens, targets) || check_hyper(m, h)) { return NAN; }
    m->batches = 0;
    return train(m, h->seed, h);
}

// One pass of evaluation in a lane; returns the loss.
static float evaluate(moec_model *lane, const model_pass *pass) {
    int before = enter(lane);
    forward(lane, pass);
    leave(before);
#if MODEL_HAS_LOSS
    return lane->MODEL_LOSS;
#else
    return NAN;
#endif
}

// How many passes are made at once: one by each thread, if there is a lane for every thread.
static int passes_at_once(const moec_model *m) {
    int before = enter(m), threads = omp_get_max_threads();
    leave(before);
    return threads <= MODEL_LANES ? threads : 1;
}

int moec_losses(moec_model *m, int count, const int32_t *tokens, const int32_t *targets, const uint64_t *seeds,
                float *losses) {
    if (!m) { return 1; }
    m->error[0] = 0;
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
    if (count < 0) { return fail(m, "cannot take %d batches", count, 0); }
    if (!tokens || !targets || !seeds || !losses) {
        return fail(m, "tokens, targets, seeds or the place for losses are missing", 0, 0);
    }
    const size_t each = (size_t)MODEL_BATCH * MODEL_CONTEXT;
    if (check_batches(m, tokens, targets, (size_t)count * each)) { return 1; }
    model_pass pass[MODEL_LANES];
    for (int b = 0, most = passes_at_once(m), now; b < count; b += now) {
#if MODEL_HAS_ROUTERS
        // What is left over is shared out as one pass, and so is one that is to take given experts.
        now = count - b < most || m->replay_tokens > 0 ? 1 : most;
#else
        // What is left over is shared out as one pass.
        now = count - b < most ? 1 : most;
#endif
        for (int i = 0; i < now; i++) {
            size_t first = (size_t)(b + i) * each;
            pass[i] = (model_pass){MODEL_BATCH, MODEL_CONTEXT, 0, seeds[b + i], tokens + first, targets + first,
                                   m->positions, MODEL_REST_OF_PASS};
        }
        if (now == 1) {
            losses[b] = evaluate(m, pass);
        } else {
            #pragma omp parallel for num_threads(now) schedule(static, 1)
            for (int i = 0; i < now; i++) { losses[b + i] = evaluate(m + i, pass + i); }
        }
        for (int i = b; i < b + now; i++) {
#if MODEL_HAS_ROUTERS
            note_pass(m, m + (i - b), pass + (i - b));
#else
            note_pass(m, m + (i - b));
#endif
            if (isfinite(losses[i])) { continue; }
            while (++i < count) { losses[i] = NAN; }
            return 0;
        }
    }
    return 0;
}

float moec_loss(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    float loss;
    return moec_losses(m, 1, tokens, targets, &seed, &loss) ? NAN : loss;
}

#if MODEL_HAS_TERMS
int moec_terms(moec_model *m, float *out) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (!out) { return fail(m, "the place for the terms is missing", 0, 0); }
    const moec_model *last = m->last;
    MODEL_TERMS
    return 0;
}

#endif
int moec_set_decay(moec_model *m, int index, int decays) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (index < 0 || index >= MODEL_PARAMETERS) {
        return fail(m, "there is no parameter %d, only 0 ..< %d", index, MODEL_PARAMETERS);
    }
    m->decays[index] = decays != 0;
    return 0;
}

float moec_accumulate(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    if (take_batch(m, tokens, targets)) { return NAN; }
    if (m->batches && !MODEL_ACCUMULATES) {
        fail(m, "this library takes one batch for each update: compile the model with --accumulate", 0, 0);
        return NAN;
    }
    size_t count = (ARENA_FIRST - ARENA_GRADIENTS) / sizeof(float);
    if (m->batches) { memcpy(m->sum, m->gradient, count * sizeof(float)); }
    float loss = train(m, seed, NULL);
    if (!isfinite(loss)) { return loss; }
    if (m->batches) {
        for (size_t i = 0; i < count; i++) { m->gradient[i] += m->sum[i]; }
    }
    note_experts(m);
    m->batches += 1;
    return loss;
}

// The L2 norm of all gradients; each parameter's squares are summed in order, whatever the threads.
static double gradient_norm(moec_model *m) {
    #pragma omp parallel for schedule(static)
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const float *gradient = m->gradient + model_parameters[i].offset;
        double sum = 0;
#if MODEL_HAS_STATES
        m->square[i] = 0;
        if (is_state(i)) { continue; }
#endif
        for (size_t n = 0; n < model_parameters[i].stored; n++) { sum += (double)gradient[n] * gradient[n]; }
        m->square[i] = sum;
    }
    double sum = 0;
    for (int i = 0; i < MODEL_PARAMETERS; i++) { sum += m->square[i]; }
    return sqrt(sum);
}

float moec_update(moec_model *m, const moec_hyper *h, float max_norm) {
    if (!m) { return NAN; }
    m->error[0] = 0;
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
    if (check_hyper(m, h)) { return NAN; }
    if (isnan(max_norm)) {
        refuse(m, "max_norm", max_norm, "a number");
        return NAN;
    }
    if (!m->batches) {
        fail(m, "nothing was accumulated since the last update", 0, 0);
        return NAN;
    }
    int before = enter(m);
    double norm = gradient_norm(m) / m->batches;
    float scale = 1.0f / (float)m->batches;
    if (max_norm > 0 && norm + 1e-6 > max_norm) { scale *= (float)(max_norm / (norm + 1e-6)); }
    if (isfinite(norm)) {
#if MODEL_HAS_STATES
        update_states(m);
#endif
        size_t count = (ARENA_FIRST - ARENA_GRADIENTS) / sizeof(float);
        for (size_t i = 0; scale != 1 && i < count; i++) { m->gradient[i] *= scale; }
        const adamw_numbers step = numbers_of(h);
        model_count_step(m);
        model_update(m, &step, 1);
    }
    m->batches = 0;
    leave(before);
    return (float)norm;
}

static int all_finite(const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) { if (!isfinite(x[i])) { return 0; } }
    return 1;
}

const char *moec_first_bad(const moec_model *m) {
    if (!m) { return NULL; }
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &model_parameters[i];
        if (!all_finite(m->value + q->offset, q->stored)) { return q->name; }
    }
#if MODEL_HAS_LAYER_RESULTS
    const moec_model *last = m->last;
    MODEL_LAYER_CHECKS
#else

#endif
    return NULL;
}

#if MODEL_HAS_LOGITS
int moec_logits(moec_model *m, const int32_t *tokens, int length, uint64_t seed, float *out) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (length < 1 || length > MODEL_CONTEXT) {
        return fail(m, "a sequence of %d tokens does not fit the context, 1 to %d", length, MODEL_CONTEXT);
    }
    if (!tokens || !out) { return fail(m, "tokens or the place for logits are missing", 0, 0); }
#if MODEL_KEEPS_ROWS
    // What the last call began with too is computed already. Of the last token, logits are asked for.
    int past = 0;
    while (past < m->kept && past < length && tokens[past] == m->tokens[past]) { past++; }
    m->kept = past;
#endif
    if (check_ids(m, tokens, (size_t)length, "token %d is outside of the vocabulary, 0 ..< %d")) { return 1; }
#if MODEL_HAS_ROUTERS
    if (routes_misfit(m, length)) { return 1; }
#endif
    memcpy(m->tokens, tokens, sizeof *tokens * (size_t)length);
#if MODEL_KEEPS_ROWS
    if (past == length) { past--; }
#if MODEL_HAS_ROUTERS
    if (m->replay_tokens > 0) { past = 0; }  // other experts, other keys and values
    model_pass pass = {1, length - past, 0, seed, m->tokens + past, NULL, m->positions + past, m->replay_tokens > 0, 0, past};
#else
    model_pass pass = {1, length - past, 0, seed, m->tokens + past, NULL, m->positions + past, 0, past};
#endif
#else
    model_pass pass = {1, length, 0, seed, m->tokens, NULL, m->positions, MODEL_REST_OF_PASS};
#endif
    int before = enter(m);
    forward(m, &pass);
    leave(before);
#if MODEL_HAS_ROUTERS
    note_pass(m, m, &pass);
#else
    note_pass(m, m);
#endif
#if MODEL_KEEPS_ROWS
#if MODEL_HAS_ROUTERS
    m->kept = pass.replays ? 0 : length;
#else
    m->kept = length;
#endif
#endif
    memcpy(out, m->MODEL_LOGITS, sizeof(float) * (size_t)length * MODEL_VOCABULARY);
    return 0;
}
#else
int moec_logits(moec_model *m, const int32_t *tokens, int length, uint64_t seed, float *out) {
    (void)tokens, (void)length, (void)seed, (void)out;
    return !m || fail(m, "this model has no logits", 0, 0);
}
#endif
