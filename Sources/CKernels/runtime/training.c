// Gradients, and the steps of AdamW that are made of them.

#include "update.h"
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
        return model_refuse(m, "epsilon", h->epsilon, "finite and at least 1.2e-38");
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

// Notes which experts had rows since the last update, in batches that have targets: m->used is read as the experts'
// first rows are.
static void note_experts(moec_model *m) {
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        if (!m->start[i]) { continue; }
        int32_t *used = m->used + m->parameter[i].first_step + i, previous = 0;
        for (int e = 0; e < m->parameter[i].row.steps; e++) {
            int32_t was = m->batches ? used[e + 1] - previous : 0;
            previous = used[e + 1];
            used[e + 1] = used[e] + (was || (m->counted && m->start[i][e] < m->start[i][e + 1]));
        }
    }
}

#if MODEL_HAS_STATES
// Keeps what the rules of all states made in a pass.
static void take_states(moec_model *m) {
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        if (q->next) { memcpy(q->next, m->made[i], q->stored * sizeof *q->next); }
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
#if MODEL_TAKES_DOCUMENTS
    pass.beginnings = documents_of(m, 0);
#endif
    int before = model_enter(m);
    model_forward(m, &pass);
    model_note_pass(m, m, &pass);
    float loss = model_loss(m);
#if MODEL_HAS_OBJECTIVE
    if (!isfinite(model_objective(m))) { loss = model_objective(m); }
#endif
#if MODEL_SHARES_EXPERTS
    // All ranks go back, or none does.
    m->update->agrees = experts_agree(m, isfinite(loss));
    goes_back = goes_back && m->update->agrees && (!m->update->link || experts_learn(m));
#endif
    if (isfinite(loss) && goes_back) {
        const adamw_numbers step = h ? numbers_of(h) : (adamw_numbers){0};
        if (h) {
            note_experts(m);
            model_count_step(m);
        }
#if MODEL_UPDATES_IN_BACKWARD
        model_bind_updates(m, h ? &step : NULL);
        if (!h) { model_keep_gradients(m); }
#endif
        model_backward(m, &pass);
        if (h) {
#pragma moec update
            model_update(m, &step, 0);
        }
#if MODEL_HAS_STATES
        take_states(m);
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

// What a model does only where it is alone.
static int check_alone(moec_model *m) {
    return m->update->link && model_fail(m, "one of %d ranks: it trains by moec_accumulate and moec_update", m->update->ranks, 0);
}

float moec_gradients(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    if (take_batch(m, tokens, targets) || check_alone(m)) { return NAN; }
    m->batches = 0;
    return train(m, seed, NULL, 1);
}

float moec_train_step(moec_model *m, const int32_t *tokens, const int32_t *targets, const moec_hyper *h) {
    if (take_batch(m, tokens, targets) || check_hyper(m, h) || check_alone(m)) { return NAN; }
    m->batches = 0;
    // Where all targets are ignored there is nothing to learn: no decay, no change of moments, no step counted.
    return train(m, h->seed, h, m->counted > 0);
}

static double lost_rank(moec_model *m) {
    model_fail(m, "another rank is gone", 0, 0);
    return NAN;
}

// A batch without targets takes part in an update like any other, with gradients of 0.
static void take_empty_batch(moec_model *m) {
    memset(m->gradient, 0, model_sizes.gradients * sizeof *m->gradient);
    m->used_up = 0;
    model_gradients_ready(m, 0);
#if MODEL_HAS_STATES
    take_states(m);
#endif
}

float moec_accumulate(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    if (take_batch(m, tokens, targets) || update_begin_batch(m)) { return NAN; }
#if MODEL_SHARES_EXPERTS
    float loss = train(m, seed, NULL, m->update->link || m->counted > 0);
    if (!m->update->agrees) {
        update_leave_batch(m);
        if (ranks_are_lost(m)) { return (float)lost_rank(m); }
        return loss;
    }
    int before = model_enter(m);
    if (!experts_learn(m)) { take_empty_batch(m); }
#else
    float loss = train(m, seed, NULL, m->counted > 0);
    if (!isfinite(loss)) {
        update_leave_batch(m);
        return loss;
    }
    int before = model_enter(m);
    if (!m->counted) { take_empty_batch(m); }
#endif
    note_experts(m);
    m->all_counted = m->counted + (m->batches ? m->all_counted : 0);
    update_end_batch(m);
    model_leave(before);
    return loss;
}

// The sum of the squares of all gradients, once these are the sum over all batches of all ranks; NaN if a rank is gone.
static double sum_gradients(moec_model *m) {
    struct update_state *u = m->update;
    if (u->link) {
        if (ranks_sum(m)) { return lost_rank(m); }
    } else {
        update_add_all(m);
        update_take_squares(m);
    }
    return update_sum_of_squares(m);
}

// AdamW's step with gradients times a factor.
static int step_scaled(moec_model *m, const adamw_numbers *step, float scale) {
    if (m->update->link) {
        return ranks_step(m, step, scale) && isnan(lost_rank(m));
    }
    const int64_t count = scale != 1 ? (int64_t)model_sizes.gradients : 0;
    #pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++) { m->gradient[i] *= scale; }
#pragma moec update
    model_update(m, step, 1);
    return 0;
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
    struct update_state *u = m->update;
    if (!m->batches || (u->link && m->batches < u->parts)) {
        model_fail(m, m->batches ? "only %d of %d batches were accumulated since the last update"
                                 : "nothing was accumulated since the last update", m->batches, u->parts);
        return NAN;
    }
    int before = model_enter(m);
    double norm = sqrt(sum_gradients(m));
    // The sum of the batches' weights: how many there are, where nothing is ignored.
    const double weight = (double)m->all_counted / (MODEL_BATCH * MODEL_CONTEXT);
    float scale = 0;
    if (weight > 0) {
        norm /= weight;
        scale = 1.0f / (float)weight;
    }
    if (max_norm > 0 && norm + 1e-6 > max_norm) { scale *= (float)(max_norm / (norm + 1e-6)); }
    if (isfinite(norm) && weight > 0) {
#if MODEL_HAS_STATES
        update_states(m, m->batches * u->ranks);
#endif
        const adamw_numbers step = numbers_of(h);
        model_count_step(m);
        if (step_scaled(m, &step, scale)) { norm = NAN; }
    }
    m->batches = 0;
    model_leave(before);
    return (float)norm;
}
