// Gradients, and the steps of AdamW that are made of them.

#include "interface.h"
#include "kernels/targets.h"

#include <float.h>

// The numbers of AdamW's step: others would leave NaN in every parameter, and no trace in the loss.
static int check_hyper(moec_model *m, const moec_hyper *h) {
    if (!h) { return model_fail(m, "the numbers of the step are missing", 0, 0); }
    float rate = h->learning_rate, decay = h->weight_decay;
    if (!(rate >= 0 && rate <= FLT_MAX)) { return model_refuse(m, "learning_rate", rate, "finite and not negative"); }
    if (!(h->beta1 >= 0 && h->beta1 < 1)) { return model_refuse(m, "beta1", h->beta1, "at least 0 and below 1"); }
    if (!(h->beta2 >= 0 && h->beta2 < 1)) { return model_refuse(m, "beta2", h->beta2, "at least 0 and below 1"); }
    if (!(h->epsilon >= FLT_MIN && h->epsilon <= FLT_MAX)) {
        return model_refuse(m, "epsilon", h->epsilon, "finite and above 0");
    }
    if (!(decay >= 0 && (double)rate * decay <= 1)) {
        return model_refuse(m, "weight_decay", decay, "at least 0, and with learning_rate a product of at most 1");
    }
    return 0;
}

static int take_batch(moec_model *m, const int32_t *tokens, const int32_t *targets) {
    if (!m) { return 1; }
    m->error[0] = 0;
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
    if (!tokens || !targets) { return model_fail(m, "tokens or targets are missing", 0, 0); }
    if (model_check_batches(m, tokens, targets, (size_t)MODEL_BATCH * MODEL_CONTEXT)) { return 1; }
    memcpy(m->tokens, tokens, sizeof *tokens * MODEL_BATCH * MODEL_CONTEXT);
    memcpy(m->targets, targets, sizeof *targets * MODEL_BATCH * MODEL_CONTEXT);
    m->counted = count_targets(m->targets, MODEL_BATCH * MODEL_CONTEXT);
    return 0;
}

// Notes which experts had rows since the last update: m->used is read as the experts' first rows are.
static void note_experts(moec_model *m) {
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        if (!m->start[i]) { continue; }
        int32_t *used = m->used + m->parameter[i].first_step + i, previous = 0;
        for (int e = 0; e < m->parameter[i].row.steps; e++) {
            int32_t was = m->batches ? used[e + 1] - previous : 0;
            previous = used[e + 1];
            used[e + 1] = used[e] + (was || m->start[i][e] < m->start[i][e + 1]);
        }
    }
}

#if MODEL_HAS_STATES
// Adds what the rules of all states made in a pass to what they made for the batches before it.
static void add_states(moec_model *m) {
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        if (!q->next) { continue; }
        for (size_t n = 0; n < q->stored; n++) {
            q->next[n] = m->batches ? q->next[n] + m->made[i][n] : m->made[i][n];
        }
    }
}

#if MODEL_HAS_SIGN_STEPS
// Moves a state up where its rule made numbers above 0, and down where it made some below.
static void move_by_sign(const model_parameter *q, float step) {
    for (size_t n = 0; n < q->stored; n++) {
        q->value[n] += q->next[n] > 0 ? step : q->next[n] < 0 ? -step : 0;
    }
}

#endif
// Gives all states the mean of what their rules made for so many batches.
static void update_states(moec_model *m, int batches) {
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        if (!q->next) { continue; }
#if MODEL_HAS_SIGN_STEPS
        if (m->sign_step[i] != 0) {
            move_by_sign(q, m->sign_step[i]);
            continue;
        }
#endif
        for (size_t n = 0; n < q->stored; n++) { q->value[n] = q->next[n] / (float)batches; }
    }
}

#endif
static adamw_numbers numbers_of(const moec_hyper *h) {
    return (adamw_numbers){h->learning_rate, h->beta1, h->beta2, h->epsilon, h->weight_decay};
}

// Forward over a batch that take_batch has taken, and if it goes back, through the model for gradients, or with h
// for a step of AdamW, most of which is made on the way. Returns the loss. One that is not finite ends it before
// anything is changed.
#if MODEL_HAS_OBJECTIVE
// So does an objective that is not finite, which is returned in its place.
#endif
static float train(moec_model *m, uint64_t seed, const moec_hyper *h, int goes_back) {
    model_pass pass = model_batch(m, m->tokens, m->targets, seed);
    pass.training = 1;
    int before = model_enter(m);
    model_forward(m, &pass);
    model_note_pass(m, m, &pass);
    float loss = model_loss(m);
#if MODEL_HAS_OBJECTIVE
    if (!isfinite(model_objective(m))) { loss = model_objective(m); }
#endif
    if (isfinite(loss) && goes_back) {
        const adamw_numbers step = h ? numbers_of(h) : (adamw_numbers){0};
        if (h) {
            note_experts(m);
            model_count_step(m);
        }
#if MODEL_UPDATES_IN_BACKWARD
        model_bind_updates(m, h ? &step : NULL);
#endif
        model_backward(m, &pass);
        if (h) {
#pragma moec update
            model_update(m, &step, 0);
        }
#if MODEL_HAS_STATES
        add_states(m);
        if (h) { update_states(m, 1); }
#endif
#if MODEL_UPDATES_IN_BACKWARD
        m->used_up = h != NULL;
#else
        m->used_up = 0;
#endif
    }
    model_leave(before);
    return loss;
}

float moec_gradients(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    if (take_batch(m, tokens, targets)) { return NAN; }
    m->batches = m->empty = 0;
    return train(m, seed, NULL, 1);
}

float moec_train_step(moec_model *m, const int32_t *tokens, const int32_t *targets, const moec_hyper *h) {
    if (take_batch(m, tokens, targets) || check_hyper(m, h)) { return NAN; }
    m->batches = m->empty = 0;
    // Where all targets are ignored there is nothing to learn: no decay, no change of moments, no step counted.
    return train(m, h->seed, h, m->counted > 0);
}

float moec_accumulate(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    if (take_batch(m, tokens, targets)) { return NAN; }
    if (m->batches && !MODEL_ACCUMULATES) {
        model_fail(m, "this library takes one batch for each update: compile the model with --accumulate", 0, 0);
        return NAN;
    }
    const size_t count = model_sizes.gradients;
    if (m->batches && m->counted) { memcpy(m->sum, m->gradient, count * sizeof(float)); }
    float loss = train(m, seed, NULL, m->counted > 0);
    if (!isfinite(loss)) { return loss; }
    if (!m->counted) {
        m->empty = 1;
        return loss;
    }
    if (m->batches) {
        // A mean over all targets of the step: each batch has the weight of its own, the first one 1.
        float weight = (float)m->counted / (float)m->first_counted;
        for (size_t i = 0; i < count; i++) { m->gradient[i] = m->gradient[i] * weight + m->sum[i]; }
    } else {
        m->first_counted = m->counted;
        m->all_counted = 0;
    }
    note_experts(m);
    m->batches += 1;
    m->all_counted += m->counted;
    return loss;
}

// The L2 norm of all gradients; each parameter's squares are summed in order, whatever the threads.
static double gradient_norm(moec_model *m) {
    #pragma omp parallel for schedule(static)
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const float *gradient = m->parameter[i].gradient;
        double sum = 0;
        for (size_t n = 0; gradient && n < m->parameter[i].stored; n++) { sum += (double)gradient[n] * gradient[n]; }
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
        model_refuse(m, "max_norm", max_norm, "a number");
        return NAN;
    }
    if (!m->batches && !m->empty) {
        model_fail(m, "nothing was accumulated since the last update", 0, 0);
        return NAN;
    }
    m->empty = 0;
    if (!m->batches) { return 0; }
    int before = model_enter(m);
    double batches = (double)m->all_counted / m->first_counted;  // as large as the first one
    double norm = gradient_norm(m) / batches;
    float scale = 1.0f / (float)batches;
    if (max_norm > 0 && norm + 1e-6 > max_norm) { scale *= (float)(max_norm / (norm + 1e-6)); }
    if (isfinite(norm)) {
#if MODEL_HAS_STATES
        update_states(m, m->batches);
#endif
        const size_t count = model_sizes.gradients;
        for (size_t i = 0; scale != 1 && i < count; i++) { m->gradient[i] *= scale; }
        const adamw_numbers step = numbers_of(h);
        model_count_step(m);
#pragma moec update
        model_update(m, &step, 1);
    }
    m->batches = 0;
    model_leave(before);
    return (float)norm;
}
