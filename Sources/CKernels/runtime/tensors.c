// Parameters from outside: first values, and each tensor as the caller orders it.

#include "update.h"
#include "kernels/panels.h"
#include "kernels/random.h"

// Where element n of a parameter's logical row-major order is stored.
static size_t stored_index(const model_parameter_row *q, size_t n) {
    if (!(q->holds & PANELS)) { return n; }
    size_t each = (size_t)q->outputs * q->inputs, e = n / each, rest = n % each;
    size_t o = rest / q->inputs, i = rest % q->inputs;
    return e * panels_size(q->outputs, q->inputs) + o / 16 * q->inputs * 16 + i * 16 + o % 16;
}

static size_t logical_count(const model_parameter_row *q) {
    return (size_t)q->stack * q->outputs * q->inputs;
}

// Sets all that training changes to 0, padding too. Of moments a rank touches only its own.
static void clear(moec_model *m) {
    char *arena = (char *)m->parameter->value;
    if (!m->update->link) {
        model_clear(arena, model_sizes.trained);
        return;
    }
#if MODEL_SHARES_EXPERTS
    model_clear(m->gradient, model_sizes.gradients * sizeof *m->gradient);
#else
    model_clear(arena, model_sizes.moments);
#endif
    memset(arena + model_sizes.steps, 0, model_sizes.trained - model_sizes.steps);
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
#if MODEL_SHARES_EXPERTS
        memset(q->value + experts_first(q, m->update->rank), 0, experts_count(q) * sizeof *q->value);
#endif
        if (!q->gradient) { continue; }
        size_t first, end;
        ranks_owned(m, i, &first, &end);
        memset(q->first + first, 0, (end - first) * sizeof(float));
        memset(q->second + first, 0, (end - first) * sizeof(float));
    }
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
    clear(m);
    int before = model_enter(m);
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
#if MODEL_REORDERS
        uint64_t key = random_key(seed, (uint64_t)q->drawn_as);
#else
        uint64_t key = random_key(seed, (uint64_t)i);
#endif
        int first = 0, end = (int)logical_count(&q->row);
#if MODEL_SHARES_EXPERTS
        // Of experts those that this rank has, with the numbers that they have among all.
        if (q->row.holds & BY_RANK) {
            end /= MODEL_EXPERT_RANKS;
            first = m->update->rank % MODEL_EXPERT_RANKS * end;
            end += first;
        }
#endif
        #pragma omp parallel for schedule(static) if (end - first > 65536)
        for (int n = first; n < end; n++) {
            float drawn = 1;
            if (q->row.distribution == NORMAL) { drawn = random_normal(key, (uint32_t)n); }
            if (q->row.distribution == UNIFORM) { drawn = 2 * random_uniform(key, (uint32_t)n) - 1; }
            q->value[stored_index(&q->row, (size_t)n)] = q->row.scale * drawn;
        }
    }
    model_leave(before);
}

#define NO_TENSOR "there is no tensor of kind %d and index %d"
#if MODEL_HAS_STATES
#define STATE_LACKS "parameter %d is a state: it has a value, and no tensor of kind %d"

static int is_state(const moec_model *m, int index) {
    return index >= 0 && index < MODEL_PARAMETERS && (m->parameter[index].row.holds & STATE);
}
#endif

// Step counts are floats, which hold every whole number up to here; there they stay.
#define MOST_STEPS 16777216.0f

// The tensor that kind and index name, and its element count, 0 if there is none. NULL beside the value of a
// parameter that has no gradient: there would be nothing but zeros.
static float *tensor(const moec_model *m, int kind, int index, size_t *count) {
    *count = 0;
    if (index < 0 || index >= MODEL_PARAMETERS || kind < MOEC_VALUE || kind > MOEC_STEPS) { return NULL; }
    const model_parameter *q = &m->parameter[index];
    float *const tensors[] = {q->value, q->gradient, q->first, q->second, q->steps};  // by kind
    *count = kind == MOEC_STEPS ? (size_t)q->row.steps : logical_count(&q->row);
    return tensors[kind];
}

static int is_moment(int kind) { return kind == MOEC_FIRST_MOMENT || kind == MOEC_SECOND_MOMENT; }

// Adds the sums that wait for their partners to numbers of a gradient that are read, as an update will.
static void add_waiting(const moec_model *m, int index, size_t first, size_t count, float *out) {
    const model_parameter *q = &m->parameter[index];
    for (int h = m->batches ? m->update->holds - 1 : -1; h >= 0; h--) {
        const float *held = m->update->sums + (size_t)h * update_count() + (q->gradient - m->gradient);
        for (size_t n = 0; n < count; n++) { out[n] = held[stored_index(&q->row, first + n)] + out[n]; }
    }
}

// Copies numbers of a tensor out: so many from one on, or with a count of SIZE_MAX all behind it.
static int read_numbers(moec_model *m, int kind, int index, size_t first, size_t wanted, float *out) {
    m->error[0] = 0;
#if MODEL_HAS_STATES
    if (kind != MOEC_VALUE && is_state(m, index)) { return model_fail(m, STATE_LACKS, index, kind); }
#endif
    size_t count;
    const float *from = tensor(m, kind, index, &count);
    if (!count) { return model_fail(m, NO_TENSOR, kind, index); }
    if (!out) { return model_fail(m, "the place for the numbers is missing", 0, 0); }
    if (first > count || (wanted != SIZE_MAX && wanted > count - first)) {
        return model_fail(m, "the tensor of kind %d and index %d has no such part", kind, index);
    }
    count = wanted == SIZE_MAX ? count - first : wanted;
    if (kind == MOEC_GRADIENT && m->used_up) {
        return model_fail(m, "the gradients went into a training step, which keeps none", 0, 0);
    }
    if (m->update->link && from) {
        if (kind == MOEC_GRADIENT) { return model_fail(m, "gradients are shared out among %d ranks", m->update->ranks, 0); }
#if MODEL_SHARES_EXPERTS
        if (is_moment(kind) || (kind == MOEC_VALUE && m->parameter[index].row.holds & BY_RANK)) {
            from = ranks_tensor(m, kind, index);
        }
#else
        if (is_moment(kind)) { from = ranks_tensor(m, kind, index); }
#endif
        if (!from) { return model_fail(m, "another rank is gone", 0, 0); }
    }
    const model_parameter_row *q = &m->parameter[index].row;
    for (size_t n = 0; n < count; n++) {
        out[n] = from ? from[kind == MOEC_STEPS ? first + n : stored_index(q, first + n)] : 0;
    }
    if (kind == MOEC_GRADIENT && from) { add_waiting(m, index, first, count, out); }
    return 0;
}

// Of the model only the error is written.
int moec_read(const moec_model *model, int kind, int index, float *out) {
    return model ? read_numbers((moec_model *)model, kind, index, 0, SIZE_MAX, out) : 1;
}

int moec_read_part(const moec_model *model, int kind, int index, int64_t first, int64_t count, float *out) {
    if (!model) { return 1; }
    if (first < 0 || count < 0) {
        return model_fail((moec_model *)model, "the tensor of kind %d and index %d has no such part", kind, index);
    }
    return read_numbers((moec_model *)model, kind, index, (size_t)first, (size_t)count, out);
}

// What AdamW takes a root of, or a power by, must be what AdamW itself could have left there; where there is no
// gradient, that is 0.
static int check_numbers(moec_model *m, int kind, const float *to, const float *in, size_t count) {
    for (size_t n = 0; n < count; n++) {
        if (!to && in[n] != 0) { return model_refuse(m, "a number beside a value without gradient", in[n], "0"); }
        if (kind == MOEC_SECOND_MOMENT && !(in[n] >= 0)) {
            return model_refuse(m, "a second moment", in[n], "at least 0");
        }
        if (kind == MOEC_STEPS && !(in[n] >= 0 && in[n] <= MOST_STEPS && in[n] == floorf(in[n]))) {
            return model_refuse(m, "a step count", in[n], "a whole number from 0 to 16777216");
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
    if (kind != MOEC_VALUE && is_state(m, index)) { return model_fail(m, STATE_LACKS, index, kind); }
#endif
    size_t count;
    float *to = tensor(m, kind, index, &count);
    if (!count) { return model_fail(m, NO_TENSOR, kind, index); }
    if (!in) { return model_fail(m, "the numbers are missing", 0, 0); }
    if (check_numbers(m, kind, to, in, count)) { return 1; }
    const model_parameter_row *q = &m->parameter[index].row;
    size_t first = 0, end = SIZE_MAX;  // of what this rank has
    if (to && m->update->link && is_moment(kind)) { ranks_owned(m, index, &first, &end); }
#if MODEL_SHARES_EXPERTS
    if (to && m->update->link && kind == MOEC_VALUE) {
        first = experts_first(&m->parameter[index], m->update->rank);
        end = first + experts_count(&m->parameter[index]);
    }
#endif
    for (size_t n = 0; to && n < count; n++) {
        size_t place = kind == MOEC_STEPS ? n : stored_index(q, n);
        if (place >= first && place < end) { to[place] = in[n]; }
    }
    return 0;
}

int moec_set_decay(moec_model *m, int index, int decays) {
    if (!m) { return 1; }
    m->error[0] = 0;
    if (index < 0 || index >= MODEL_PARAMETERS) {
        return model_fail(m, "there is no parameter %d, only 0 ..< %d", index, MODEL_PARAMETERS);
    }
    m->decays[index] = decays != 0;
    return 0;
}

int moec_average(moec_model *m, const moec_model *model, float keep) {
    if (!m) { return 1; }
    m->error[0] = 0;
#if MODEL_KEEPS_ROWS
    m->kept = 0;
#endif
    if (!model) { return model_fail(m, "the model to average is missing", 0, 0); }
    if (!(keep >= 0 && keep < 1)) { return model_refuse(m, "the share to keep", keep, "at least 0 and below 1"); }
    float take = 1 - keep;
    int before = model_enter(m);
    // Every thread takes its share of each parameter.
    #pragma omp parallel
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
#if MODEL_SHARES_EXPERTS
        const size_t first = experts_first(q, m->update->rank), count = experts_count(q);
#else
        const size_t first = 0, count = q->stored;
#endif
        float *restrict to = q->value + first;
        const float *restrict from = model->parameter[i].value + first;
        float old = q->gradient ? keep : 0, new = q->gradient ? take : 1;
        #pragma omp for schedule(static) nowait
        for (size_t n = 0; n < count; n++) { to[n] = old * to[n] + new * from[n]; }
    }
    model_leave(before);
    return 0;
}
