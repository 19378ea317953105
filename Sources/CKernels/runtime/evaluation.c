// Losses, logits, and what is wrong where they are no numbers.

#if MODEL_SHARES_EXPERTS
#include "update.h"
#else
#include "interface.h"
#endif

// One pass of evaluation over a batch, in a lane; returns the loss.
#if MODEL_TAKES_DOCUMENTS
static float evaluate(moec_model *lane, const int32_t *tokens, const int32_t *targets, uint64_t seed,
                      const int32_t *beginnings) {
    model_pass pass = model_batch(lane, tokens, targets, seed);
    pass.beginnings = beginnings;
#else
static float evaluate(moec_model *lane, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
    const model_pass pass = model_batch(lane, tokens, targets, seed);
#endif
    int before = model_enter(lane);
    model_forward(lane, &pass);
    model_leave(before);
#if MODEL_SHARES_EXPERTS
    if (ranks_are_lost(lane)) {
        model_fail(lane, "another rank is gone", 0, 0);
        return NAN;
    }
#endif
    return model_loss(lane);
}

// How many passes are made at once: one by each thread, if there is a lane for every thread.
static int passes_at_once(const moec_model *m) {
    int before = model_enter(m), threads = omp_get_max_threads();
    model_leave(before);
    return threads <= model_sizes.lanes ? threads : 1;
}

int moec_losses(moec_model *m, int count, const int32_t *tokens, const int32_t *targets, const uint64_t *seeds,
                float *losses) {
    if (!m) { return 1; }
    m->error[0] = 0;
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
    if (count < 0) { return model_fail(m, "cannot take %d batches", count, 0); }
    if (!tokens || !targets || !seeds || !losses) {
        return model_fail(m, "tokens, targets, seeds or the place for losses are missing", 0, 0);
    }
    const size_t each = (size_t)MODEL_BATCH * MODEL_CONTEXT;
    if (model_check_batches(m, tokens, targets, (size_t)count * each)) { return 1; }
#if MODEL_TAKES_DOCUMENTS
    if (documents_misfit(m, count)) { return 1; }
#endif
    for (int b = 0, most = passes_at_once(m), now; b < count; b += now) {
#if MODEL_HAS_ROUTERS
        // What is left over is shared out as one pass, and so is one that is to take given experts.
        now = count - b < most || m->replay_tokens > 0 ? 1 : most;
#else
        // What is left over is shared out as one pass.
        now = count - b < most ? 1 : most;
#endif
        const int32_t *given = tokens + (size_t)b * each, *wanted = targets + (size_t)b * each;
        if (now == 1) {
#if MODEL_TAKES_DOCUMENTS
            losses[b] = evaluate(m, given, wanted, seeds[b], documents_of(m, b));
#else
            losses[b] = evaluate(m, given, wanted, seeds[b]);
#endif
        } else {
            #pragma omp parallel for num_threads(now) schedule(static, 1)
            for (int i = 0; i < now; i++) {
#if MODEL_TAKES_DOCUMENTS
                losses[b + i] = evaluate(m + i, given + i * each, wanted + i * each, seeds[b + i], documents_of(m, b + i));
#else
                losses[b + i] = evaluate(m + i, given + i * each, wanted + i * each, seeds[b + i]);
#endif
            }
        }
        for (int i = b; i < b + now; i++) {
            const model_pass pass = model_batch(m, tokens + i * each, targets + i * each, seeds[i]);
            model_note_pass(m, m + (i - b), &pass);
            if (isfinite(losses[i])) { continue; }
#if MODEL_SHARES_EXPERTS
            // Others may have batches to come, which take all ranks.
            if (m->error[0]) { return 1; }
#else
            while (++i < count) { losses[i] = NAN; }
            return 0;
#endif
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
    if (!out) { return model_fail(m, "the place for the terms is missing", 0, 0); }
    model_terms(m->last, out);
    return 0;
}

#endif
int model_all_finite(const float *x, size_t count) {
    for (size_t i = 0; i < count; i++) { if (!isfinite(x[i])) { return 0; } }
    return 1;
}

const char *moec_first_bad(const moec_model *model) {
    moec_model *m = (moec_model *)model;  // of which only the place for the name is written
    if (!m) { return NULL; }
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        const float *value = q->value;
        size_t count = q->stored;
#if MODEL_SHARES_EXPERTS
        value += experts_first(q, m->update->rank);
        count = experts_count(q);
#endif
        if (!model_all_finite(value, count)) {
            return model_name(m, q->scope, q->use, q->row.name);
        }
    }
    return model_bad_layer(m, m->last);
}

// Runs a text through the layers, as far as the last call has not done so; `whole`: all of it. Says in `pass` what
// was run.
static int run_text(moec_model *m, const int32_t *tokens, int length, uint64_t seed, int whole, model_pass *pass) {
    if (!model_logits(m)) { return model_fail(m, "this model has no logits", 0, 0); }
    if (length < 1 || length > MODEL_CONTEXT) {
        return model_fail(m, "a sequence of %d tokens does not fit the context, 1 to %d", length, MODEL_CONTEXT);
    }
#if MODEL_KEEPS_ROWS
    // What the last call began with too is computed already. Of the last token, logits are asked for.
    int past = 0;
    while (past < m->kept && past < length && tokens[past] == m->tokens[past]) { past++; }
    m->kept = past;
    if (whole) { past = 0; }
#else
    (void)whole;
#endif
    if (model_check_ids(m, tokens, (size_t)length, "token %d is outside of the vocabulary, 0 ..< %d")) { return 1; }
#if MODEL_HAS_ROUTERS
    if (routes_misfit(m, length)) { return 1; }
#endif
    memcpy(m->tokens, tokens, sizeof *tokens * (size_t)length);
#if MODEL_KEEPS_ROWS
    if (past == length) { past--; }
#if MODEL_HAS_ROUTERS
    if (m->replay_tokens > 0) { past = 0; }  // other experts, other keys and values
#endif
#endif
    *pass = model_batch(m, m->tokens, NULL, seed);
    pass->sequences = 1;
    pass->length = length;
#if MODEL_KEEPS_ROWS
    pass->tokens += past;
    pass->positions += past;
    pass->length -= past;
    pass->past = past;
#endif
    int before = model_enter(m);
    model_forward(m, pass);
    model_leave(before);
#if MODEL_SHARES_EXPERTS
    if (ranks_are_lost(m)) { return model_fail(m, "another rank is gone", 0, 0); }
#endif
    model_note_pass(m, m, pass);
#if MODEL_KEEPS_ROWS
#if MODEL_HAS_ROUTERS
    m->kept = pass->replays ? 0 : length;
#else
    m->kept = length;
#endif
#endif
    return 0;
}

int moec_logits(moec_model *m, const int32_t *tokens, int length, uint64_t seed, float *out) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (!tokens || !out) { return model_fail(m, "tokens or the place for logits are missing", 0, 0); }
    model_pass pass;
#if MODEL_HAS_HEAD
    if (run_text(m, tokens, length, seed, 1, &pass)) { return 1; }
    int before = model_enter(m);
    for (int first = 0; first < length; first += MODEL_HEAD_ROWS) {
        int rows = smaller(length - first, MODEL_HEAD_ROWS);
        model_head(m, &pass, first, rows);
        memcpy(out + (size_t)first * MODEL_VOCABULARY, model_logits(m), sizeof(float) * (size_t)rows * MODEL_VOCABULARY);
    }
    model_leave(before);
#else
    if (run_text(m, tokens, length, seed, 0, &pass)) { return 1; }
    memcpy(out, model_logits(m), sizeof(float) * (size_t)length * MODEL_VOCABULARY);
#endif
    return 0;
}

int moec_next(moec_model *m, const int32_t *tokens, int length, uint64_t seed, float *out) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (!tokens || !out) { return model_fail(m, "tokens or the place for logits are missing", 0, 0); }
    model_pass pass;
    if (run_text(m, tokens, length, seed, 0, &pass)) { return 1; }
    const float *logits = model_logits(m);
#if MODEL_HAS_HEAD
    int before = model_enter(m);
    model_head(m, &pass, pass.length - 1, 1);
    model_leave(before);
#else
    logits += (size_t)(length - 1) * MODEL_VOCABULARY;
#endif
    memcpy(out, logits, sizeof(float) * MODEL_VOCABULARY);
    return 0;
}
