// An update of a model of several ranks, when all gradients have been sent: what all ranks must know, AdamW's step on
// what a rank owns, and the new values to all.

#include "ranks.h"

// ---- what all ranks must know ---------------------------------------------------------------------

// Squares of this rank's blocks to where all ranks expect them, or those of all ranks to where they belong.
static void move_squares(moec_model *m, int incoming) {
    struct update_state *u = m->update;
    size_t *start = ranks_starts(u, 0, 0), place = 0;
    for (int rank = 0; rank < u->ranks; rank++) {
        start[rank] = 2 * place;
        for (int r = 0; r < u->ranges; r++) {
            const update_range *range = &u->range[r];
            int end, b = update_own_blocks(range, rank, u->ranks, &end);
            for (; b < end; b++, place++) {
                if (incoming) {
                    u->square[range->block + (size_t)b] = u->link->square[place];
                } else if (rank == u->rank) {
                    u->link->square[place] = update_block_square(m, range, b);
                }
            }
        }
    }
    start[u->ranks] = 2 * place;
}

// Notes the experts that had rows on any rank.
static void take_used(moec_model *m) {
    const struct update_state *u = m->update;
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        if (!m->start[i]) { continue; }
        size_t first = (size_t)(m->parameter[i].first_step + i);
        int32_t *used = m->used + first;
        for (int e = 0; e < m->parameter[i].row.steps; e++) {
            int any = 0;
            for (int r = 0; r < u->ranks; r++) {
                const int32_t *of = u->link->used + (size_t)r * USED + first;
                any |= of[e] < of[e + 1];
            }
            used[e + 1] = used[e] + any;
        }
    }
}
#if MODEL_HAS_STATES

// This rank's sums of what the rules of states made, to where all ranks expect them.
static void put_states(moec_model *m) {
    struct update_state *u = m->update;
    const size_t count = model_sizes.states;
    float *own = u->link->states + (size_t)u->rank * (size_t)u->link->pieces * count;
    ranks_join(u, model_sizes.gradients, m->next, count);
    for (int s = 0; s < u->holds - u->link->joins; s++) {
        memcpy(own + (size_t)s * count, ranks_held(u, s) + model_sizes.gradients, count * sizeof *own);
    }
    memcpy(own + (size_t)(u->link->pieces - 1) * count, m->next, count * sizeof *own);
}

// Adds up those of all ranks.
static void add_states(moec_model *m) {
    const struct update_state *u = m->update;
    struct model_ranks *link = u->link;
    const size_t count = model_sizes.states;
    for (int rank = 0, s = 0; rank < u->ranks; rank++) {
        const float *of = link->states + (size_t)rank * (size_t)link->pieces * count;
        for (int own = 0; own < link->own[rank]; own++) {
            link->from[s++] = of + (size_t)(own < link->own[rank] - 1 ? own : link->pieces - 1) * count;
        }
    }
    for (size_t at = 0; at < count; at += UPDATE_BLOCK) {
        ranks_add_block(link, at, count - at < UPDATE_BLOCK ? count - at : UPDATE_BLOCK, m->next + at);
    }
}
#endif

// Adds up how many targets are not ignored on all ranks.
static void take_counted(moec_model *m) {
    m->all_counted = 0;
    for (int r = 0; r < m->update->ranks; r++) {
        int64_t counted;
        memcpy(&counted, m->update->link->used + (size_t)r * USED + EXPERTS, sizeof counted);
        m->all_counted += counted;
    }
}

// Equally many words from each rank.
static void gather_equal(struct update_state *u, int ticket, void *buffer, size_t words) {
    size_t *start = ranks_starts(u, ticket, 0);
    for (int r = 0; r <= u->ranks; r++) { start[r] = (size_t)r * words; }
    ranks_gather(u, ticket, buffer, start);
}

int ranks_sum(moec_model *m) {
    struct update_state *u = m->update;
    struct model_ranks *link = u->link;
    while (link->added < link->sent) { ranks_add_range(m); }
    link->joins = ranks_joins(u, u->rank * u->parts + m->batches - 1);
    move_squares(m, 0);
    ranks_gather(u, 0, link->square, ranks_starts(u, 0, 0));
    int32_t *own = link->used + (size_t)u->rank * USED;
    memcpy(own, m->used, EXPERTS * sizeof *own);
    memcpy(own + EXPERTS, &m->all_counted, sizeof m->all_counted);
    gather_equal(u, 1, link->used, USED);
#if MODEL_HAS_STATES
    put_states(m);
    gather_equal(u, 2, link->states, (size_t)link->pieces * model_sizes.states);
    ranks_wait(u, 2);
#endif
    ranks_wait(u, 0);
    ranks_wait(u, 1);
    if (link->lost) { return 1; }
    move_squares(m, 1);
    take_used(m);
    take_counted(m);
#if MODEL_HAS_STATES
    add_states(m);
#endif
    link->sent = link->added = 0;
    return 0;
}

// ---- the step -------------------------------------------------------------------------------------

static void step_range(moec_model *m, const update_range *range, const adamw_numbers *step, float scale) {
    const struct update_state *u = m->update;
    float *gradient = m->gradient + range->first;
    size_t end, first = update_share(range, u->rank, u->ranks, &end);
    for (size_t n = first; scale != 1 && n < end; n++) { gradient[n] *= scale; }
    #pragma omp parallel
    for (int i = range->parameter; i < range->end; i++) {
        size_t own, owned;
        ranks_owned(m, i, &own, &owned);
        model_update_part(m, i, step, own, owned);
    }
}

// Sends all ranks the new values of this rank's share.
static void spread_values(moec_model *m, const update_range *range, int ticket) {
    struct update_state *u = m->update;
    size_t *start = ranks_starts(u, ticket, 0);
    ranks_place_shares(u, range, start);
    ranks_gather(u, ticket, m->parameter->value + range->value, start);
}

int ranks_step(moec_model *m, const adamw_numbers *step, float scale) {
    struct update_state *u = m->update;
    int sent = 0;
    for (int r = 0; r < u->ranges; r++) {
        const update_range *range = &u->range[r];
        step_range(m, range, step, scale);
#if MODEL_SHARES_EXPERTS
        if (!experts_travel(u, range)) { continue; }
#endif
        const int ticket = sent++ % MOEC_TICKETS;
        if (sent > MOEC_TICKETS) { ranks_wait(u, ticket); }
#if MODEL_SHARES_EXPERTS
        if (range->slots > 1) {
            experts_spread(m, range, ticket);
            continue;
        }
#endif
        spread_values(m, range, ticket);
    }
    for (int n = sent > MOEC_TICKETS ? sent - MOEC_TICKETS : 0; n < sent; n++) { ranks_wait(u, n % MOEC_TICKETS); }
    return u->link->lost;
}

const float *ranks_tensor(moec_model *m, int kind, int i) {
    struct update_state *u = m->update;
    const model_parameter *q = &m->parameter[i];
    const float *from = kind == MOEC_FIRST_MOMENT ? q->first : q->second;
#if MODEL_SHARES_EXPERTS
    if (kind == MOEC_VALUE) { return experts_values(m, q); }
#endif
    size_t at, own, owned, end, *start = ranks_starts(u, 0, 0);
    const update_range *range = ranks_range(m, i, &at);
#if MODEL_SHARES_EXPERTS
    if (range->slots > 1) { return experts_moments(m, range, from); }
#endif
    ranks_owned(m, i, &own, &owned);
    for (int r = 0; r < u->ranks; r++) {
        start[r] = ranks_within(update_share(range, r, u->ranks, &end), at, q->stored);
    }
    start[u->ranks] = q->stored;
    memcpy(u->link->incoming + own, from + own, (owned - own) * sizeof(float));
    ranks_gather(u, 0, u->link->incoming, start);
    ranks_wait(u, 0);
    return u->link->lost ? NULL : u->link->incoming;
}
