// AdamW with decoupled weight decay (Loshchilov and Hutter 2019). An expert that had no token in this
// step is left alone altogether: no decay, no change of its moments, and its own step count stands.

#include "model.h"

void model_count_step(struct moec_model *m) {
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        const int32_t *used = m->used + q->first_step + i;
        for (int e = 0; q->gradient && e < q->row.steps; e++) {
            q->steps[e] += !m->start[i] || used[e] < used[e + 1];
        }
    }
}

// The step's numbers for parameter i.
static adamw_numbers numbers_for(const struct moec_model *m, int i, adamw_numbers step) {
    if (!m->decays[i]) { step.weight_decay = 0; }
    return step;
}

weight_update model_weight_update(const struct moec_model *m, int i, const adamw_numbers *step) {
    if (!step) { return (weight_update){.value = NULL}; }
    const model_parameter *q = &m->parameter[i];
    return (weight_update){q->value, q->first, q->second, q->steps, numbers_for(m, i, *step)};
}

#pragma moec update function
void model_update(struct moec_model *m, const adamw_numbers *step, int in_backward_too) {
    // Every thread walks over all parameters and takes its share of each.
    #pragma omp parallel
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        if (!q->gradient || ((q->row.holds & IN_BACKWARD) && !in_backward_too)) { continue; }
        adamw_numbers numbers = numbers_for(m, i, *step);
        if (m->start[i]) {
            const int32_t *used = m->used + q->first_step + i;
            size_t each = q->stored / (size_t)q->row.steps;
            adamw_experts(q->value, q->gradient, q->first, q->second, each, q->row.steps, q->steps, used, &numbers);
        } else {
            adamw(q->value, q->gradient, q->first, q->second, q->stored, q->steps, &numbers);
        }
    }
}

// The numbers of parameter i from `first` to `end`, as they lie, that are among `count` from `start` on.
static void update_numbers(const model_parameter *q, size_t first, size_t end, size_t start, size_t count,
                           const float *steps, const adamw_numbers *numbers) {
    if (first < start) { first = start; }
    if (end > start + count) { end = start + count; }
    if (first >= end) { return; }
    adamw(q->value + first, q->gradient + first, q->first + first, q->second + first, end - first, steps, numbers);
}

void model_update_part(struct moec_model *m, int i, const adamw_numbers *step, size_t first, size_t end) {
    const model_parameter *q = &m->parameter[i];
    const adamw_numbers numbers = numbers_for(m, i, *step);
    const int32_t *used = m->used + q->first_step + i;
    const size_t each = q->stored / (size_t)q->row.steps;
    for (int e = 0; e < q->row.steps; e++) {
        if (m->start[i] && used[e] == used[e + 1]) { continue; }
        update_numbers(q, first, end, (size_t)e * each, each, q->steps + e, &numbers);
    }
}
