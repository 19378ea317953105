// The gradients of several batches are added up in pairs: batches 0 and 1, 2 and 3, these two sums, and so on; what
// is left without a partner is added from the last to the first. Which numbers are added to which depends on how many
// batches there are, and not on the ranks that share them.

#include "update.h"

size_t update_count(void) { return model_sizes.gradients + model_sizes.states; }

// Of an expert, or of all.
static int blocks_each(const update_range *range) { return (int)((range->each + UPDATE_BLOCK - 1) / UPDATE_BLOCK); }

int update_blocks(const update_range *range) { return range->stack * blocks_each(range); }

size_t update_place(const update_range *range, int block) {
    const int each = blocks_each(range);
    return (size_t)(block / each) * range->each + (size_t)(block % each) * UPDATE_BLOCK;
}

int update_own_blocks(const update_range *range, int rank, int ranks, int *end) {
    const int blocks = update_blocks(range) / range->slots, sharers = ranks / range->slots;
    const int first = rank % range->slots * blocks, number = rank / range->slots;
    *end = first + block_start(number + 1, blocks, sharers);
    return first + block_start(number, blocks, sharers);
}

size_t update_share(const update_range *range, int rank, int ranks, size_t *end) {
    int last, first = update_own_blocks(range, rank, ranks, &last);
    *end = last == update_blocks(range) ? range->count : update_place(range, last);
    return first == update_blocks(range) ? range->count : update_place(range, first);
}

int update_are_partners(batch_span a, batch_span b) {
    return a.count == b.count && a.first % (2 * b.count) == 0 && a.first + a.count == b.first;
}

// Spans with one more: it joins its partner, and so on.
static int add_span(batch_span *spans, int count, batch_span next) {
    while (count && update_are_partners(spans[count - 1], next)) {
        next = (batch_span){spans[count - 1].first, 2 * next.count};
        count--;
    }
    spans[count] = next;
    return count + 1;
}

int update_spans(int first, int end, batch_span *spans) {
    int count = 0;
    for (int batch = first; batch < end; batch++) { count = add_span(spans, count, (batch_span){batch, 1}); }
    return count;
}

double update_block_square(const moec_model *m, const update_range *range, int block) {
    const float *gradient = m->gradient + range->first + update_place(range, block);
    const size_t at = (size_t)(block % blocks_each(range)) * UPDATE_BLOCK, left = range->each - at;
    double sum = 0;
    const size_t count = left < UPDATE_BLOCK ? left : UPDATE_BLOCK;
    for (size_t n = 0; n < count; n++) { sum += (double)gradient[n] * gradient[n]; }
    return sum;
}

// Adds the newest sum that waits to the gradients, and to what the rules of states made.
static void add_held(moec_model *m) {
    struct update_state *u = m->update;
    const float *held = u->sums + (size_t)--u->holds * update_count();
    const int64_t count = (int64_t)model_sizes.gradients;
    #pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < count; i++) { m->gradient[i] = held[i] + m->gradient[i]; }
#if MODEL_HAS_STATES
    const float *states = held + count;
    for (size_t i = 0; i < model_sizes.states; i++) { m->next[i] = states[i] + m->next[i]; }
#endif
}

void update_add_all(moec_model *m) {
    while (m->update->holds) { add_held(m); }
}

int update_begin_batch(moec_model *m) {
    struct update_state *u = m->update;
    const int most = u->parts ? u->parts : 1 << u->room;
    if (m->batches == most) {
        return model_fail(m, u->parts ? "the update has all its batches, %d"
                                      : "an update takes no more batches than %d: compile the model with --accumulate, "
                                        "or make it by moec_create_rank", most, 0);
    }
    if (!m->batches) {
        u->holds = 0;
        return 0;
    }
    float *to = u->sums + (size_t)u->holds * update_count();
    memcpy(to, m->gradient, model_sizes.gradients * sizeof *to);
#if MODEL_HAS_STATES
    memcpy(to + model_sizes.gradients, m->next, model_sizes.states * sizeof *to);
#endif
    u->held[u->holds++] = u->sum;
    return 0;
}

static void weigh(float *gradient, size_t count, int counted) {
    const float weight = (float)counted / (MODEL_BATCH * MODEL_CONTEXT);
    if (weight == 1) { return; }
#if MODEL_SHARES_EXPERTS
    // Backward has been through a batch without targets too, for the sake of others.
    if (weight == 0) {
        memset(gradient, 0, count * sizeof *gradient);
        return;
    }
#endif
    #pragma omp parallel for schedule(static) if (count > 65536)
    for (int64_t i = 0; i < (int64_t)count; i++) { gradient[i] *= weight; }
}

void update_weigh(moec_model *m, const update_range *range) {
    float *gradient = m->gradient + range->first;
#if MODEL_SHARES_EXPERTS
    if (range->slots > 1) {
        const size_t own = range->count / MODEL_EXPERT_RANKS;
        for (int s = 0; s < range->slots; s++) { weigh(gradient + (size_t)s * own, own, experts_counted(m, s)); }
        return;
    }
#endif
    weigh(gradient, range->count, m->counted);
}

void update_end_batch(moec_model *m) {
    struct update_state *u = m->update;
    u->sum = (batch_span){u->rank * u->parts + m->batches, 1};
    m->batches++;
    // The last batch's went to their owners layer by layer.
    if (u->link && m->batches == u->parts) { return; }
    for (int r = 0; r < u->ranges; r++) { update_weigh(m, &u->range[r]); }
    while (u->holds && update_are_partners(u->held[u->holds - 1], u->sum)) {
        u->sum = (batch_span){u->held[u->holds - 1].first, 2 * u->sum.count};
        add_held(m);
    }
}

void update_leave_batch(moec_model *m) {
    struct update_state *u = m->update;
    // Nothing was overwritten.
    if (m->batches) { u->sum = u->held[--u->holds]; }
}

void update_take_squares(moec_model *m) {
    struct update_state *u = m->update;
    #pragma omp parallel
    for (int r = 0; r < u->ranges; r++) {
        const update_range *range = &u->range[r];
        const int blocks = update_blocks(range);
        FOR_OWN(b, blocks) { u->square[range->block + (size_t)b] = update_block_square(m, range, b); }
    }
}

double update_sum_of_squares(const moec_model *m) {
    const struct update_state *u = m->update;
    double sum = 0;
    for (int r = 0; r < u->ranges; r++) {
        double part = 0;
        for (int b = 0; b < update_blocks(&u->range[r]); b++) { part += u->square[u->range[r].block + (size_t)b]; }
        sum += part;
    }
    return sum;
}

// How many sums wait at most while batches first ..< first + batches are computed.
static int sums_that_wait(int first, int batches) {
    batch_span spans[UPDATE_HELD];
    int count = 0, most = 0;
    for (int batch = first; batch < first + batches; batch++) {
        most = larger(most, count);
        count = add_span(spans, count, (batch_span){batch, 1});
    }
    return most;
}

size_t update_most_blocks(void) { return model_sizes.gradients / UPDATE_BLOCK + MODEL_STEPS + MODEL_PARAMETERS + 1; }

// A model alone that is told of no number of batches has room for 2^6 of them, if it was compiled to accumulate; pages
// of it that no batch needs are never touched.
enum { USUAL_ROOM = 6 };

static struct update_state state_of(const moec_exchange *exchange, int batches) {
    struct update_state u = {.exchange = exchange, .ranks = 1, .parts = batches};
    if (exchange) { u.rank = exchange->rank, u.ranks = exchange->ranks; }
    u.room = batches ? sums_that_wait(u.rank * batches, batches) : MODEL_ACCUMULATES ? USUAL_ROOM : 0;
    return u;
}

// To whole cache lines.
static size_t lines_of(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t update_bytes(const moec_exchange *exchange, int batches) {
    const struct update_state u = state_of(exchange, batches);
    return lines_of(sizeof u) + lines_of(MODEL_PARAMETERS * sizeof(update_range))
        + lines_of(update_most_blocks() * sizeof(double))
        + (size_t)u.room * update_count() * sizeof(float) + (u.ranks > 1 ? ranks_bytes(&u) : 0);
}

// Whether parameter i lies in the range of the one before it.
static int goes_on(const moec_model *m, int i) {
    const model_parameter *q = &m->parameter[i];
    return i > 0 && q[-1].gradient && !q->begins && q->row.steps == 1 && q[-1].row.steps == 1;
}

#if MODEL_SHARES_EXPERTS
static int slots_of(const model_parameter *q, int ranks) {
    return ranks > 1 && q->row.holds & BY_RANK ? MODEL_EXPERT_RANKS : 1;
}

#endif

static void list_ranges(moec_model *m) {
    struct update_state *u = m->update;
    size_t block = 0;
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        if (!q->gradient) { continue; }
        if (!goes_on(m, i)) {
            u->range[u->ranges++] = (update_range){.parameter = i, .first = (size_t)(q->gradient - m->gradient),
                                                   .value = (size_t)(q->value - m->parameter->value),
                                                   .stack = q->row.steps, .slots = 1};
        }
        update_range *range = &u->range[u->ranges - 1];
        range->end = i + 1;
        range->count = (size_t)(q->gradient + q->stored - m->gradient) - range->first;
        range->each = range->count / (size_t)range->stack;
#if MODEL_SHARES_EXPERTS
        range->slots = slots_of(q, u->ranks);
#endif
    }
    for (int r = 0; r < u->ranges; r++) {
        u->range[r].block = block;
        block += (size_t)update_blocks(&u->range[r]);
    }
}

void update_begin(moec_model *m, const moec_exchange *exchange, int batches, char *memory) {
    struct update_state *u = m->update = (struct update_state *)memory;
    *u = state_of(exchange, batches);
    memory += lines_of(sizeof *u);
    u->range = (update_range *)memory;
    memory += lines_of(MODEL_PARAMETERS * sizeof(update_range));
    u->square = (double *)memory;
    memory += lines_of(update_most_blocks() * sizeof(double));
    u->sums = (float *)memory;
    memory += (size_t)u->room * update_count() * sizeof(float);
    list_ranges(m);
    if (u->ranks > 1) { ranks_begin(m, memory); }
}
