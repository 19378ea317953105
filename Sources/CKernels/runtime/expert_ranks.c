// Ranks share out the experts: each has some of every mixture, with their moments, gets the rows that chose them, and
// sends back what they make of them. All ranks make the same calls, whatever is chosen: none can wait for what never
// comes.

#include "ranks.h"

// ---- rows ------------------------------------------------------------------------------------------

enum { ROW_TICKET = UNDER_WAY };  // before it come those of gradients, which may be under way

// The ranks that share out one set of experts are neighbours: the first of those among which this one is.
static int first_of_group(const struct update_state *u) { return u->rank - u->rank % MODEL_EXPERT_RANKS; }

// Where the words of each rank begin: those of the group's where `table` says, or equally many; others have none.
static void set_starts(const struct update_state *u, size_t *start, const int32_t *table, int own, size_t words) {
    for (int r = 0; r <= u->ranks; r++) {
        int member = smaller(larger(r - first_of_group(u), 0), MODEL_EXPERT_RANKS);
        start[r] = (table ? (size_t)table[member * own] : (size_t)member) * words;
    }
}

static int trade(struct update_state *u, void *receive, const int32_t *receive_table, const void *send,
                 const int32_t *send_table, int own, size_t words) {
    struct model_ranks *link = u->link;
    size_t *sent = ranks_starts(u, ROW_TICKET, 0), *received = ranks_starts(u, ROW_TICKET, 1);
    set_starts(u, sent, send_table, own, words);
    set_starts(u, received, receive_table, own, words);
    if (!link->lost) {
        link->lost = u->exchange->all_to_all(u->exchange->context, ROW_TICKET, send, sent, receive, received) != 0;
    }
    ranks_wait(u, ROW_TICKET);
    return link->lost;
}

// What came from a rank: where its own rows begin, expert by expert, and its seed.
static void take_counts(int32_t *received, int32_t *origin, const int32_t *from, int own) {
    for (int e = 0; e < own; e++) { received[e + 1] = received[e] + from[e + 1] - from[e]; }
    origin[0] = from[0];
    memcpy(origin + 1, from + own + 1, sizeof(uint64_t));
}

void exchange_counts(int32_t *received, int32_t *origin, const int32_t *start, int experts, const model_pass *pass) {
    struct update_state *u = pass->update;
    const int own = experts / MODEL_EXPERT_RANKS, words = own + 3;
    int32_t alone[3] = {start[0]};
    memcpy(alone + 1, &pass->seed, sizeof pass->seed);
    if (!u->link) {
        memcpy(received, start, (size_t)(experts + 1) * sizeof *start);
        memcpy(origin, alone, sizeof alone);
        return;
    }
    int32_t *out = u->link->counts, *in = out + MODEL_EXPERT_RANKS * words;
    for (int x = 0; x < MODEL_EXPERT_RANKS; x++) {
        memcpy(out + x * words, start + x * own, (size_t)(own + 1) * sizeof *start);
        memcpy(out + x * words + own + 1, &pass->seed, sizeof pass->seed);
    }
    // Where a rank is gone, there are no rows.
    if (trade(u, in, NULL, out, NULL, own, (size_t)words)) {
        memset(in, 0, (size_t)(MODEL_EXPERT_RANKS * words) * sizeof *in);
    }
    received[0] = 0;
    for (int x = 0; x < MODEL_EXPERT_RANKS; x++) {
        take_counts(received + x * own, origin + 3 * x, in + x * words, own);
    }
}

void exchange_rows(float *to, const float *from, const int32_t *to_start, const int32_t *from_start, int experts,
                   int width, const model_pass *pass) {
    struct update_state *u = pass->update;
    if (!u->link) {
        memcpy(to, from, (size_t)from_start[experts] * (size_t)width * sizeof *from);
        return;
    }
    (void)trade(u, to, to_start, from, from_start, experts / MODEL_EXPERT_RANKS, (size_t)width);
}

// ---- batches ---------------------------------------------------------------------------------------

int experts_agree(moec_model *m, int is_finite) {
    struct update_state *u = m->update;
    struct model_ranks *link = u->link;
    if (!link) { return is_finite; }
    int32_t *own = link->peers + PEER * u->rank;
    own[0] = is_finite;
    own[1] = m->counted;
    size_t *start = ranks_starts(u, ROW_TICKET, 0);
    for (int r = 0; r <= u->ranks; r++) { start[r] = (size_t)r * PEER; }
    ranks_gather(u, ROW_TICKET, link->peers, start);
    ranks_wait(u, ROW_TICKET);
    int all = !link->lost;
    for (int r = 0; r < u->ranks; r++) { all = all && link->peers[PEER * r]; }
    return all;
}

int experts_learn(const moec_model *m) {
    const struct update_state *u = m->update;
    if (!u->link) { return m->counted > 0; }
    int any = 0;
    for (int r = 0; r < u->ranks; r++) { any |= u->link->peers[PEER * r + 1] > 0; }
    return any;
}

int experts_counted(const moec_model *m, int source) {
    const struct update_state *u = m->update;
    return u->link ? u->link->peers[PEER * (first_of_group(u) + source) + 1] : m->counted;
}

size_t experts_first(const model_parameter *q, int rank) {
    return q->row.holds & BY_RANK ? (size_t)(rank % MODEL_EXPERT_RANKS) * (q->stored / MODEL_EXPERT_RANKS) : 0;
}

size_t experts_count(const model_parameter *q) {
    return q->row.holds & BY_RANK ? q->stored / MODEL_EXPERT_RANKS : q->stored;
}

// ---- updates ---------------------------------------------------------------------------------------

// Of experts that ranks share out, a rank has a sum for each rank of its group: over the batches of that one. Those of
// one group stay where they are if there is no other.
static float *slot_of(const moec_model *m, const update_range *range, int slot) {
    return m->gradient + range->first + (size_t)slot * (range->count / (size_t)range->slots);
}

int experts_travel(const struct update_state *u, const update_range *range) { return u->ranks > range->slots; }

void experts_list_sums(moec_model *m, const update_range *range, int turn) {
    struct update_state *u = m->update;
    const size_t own = ranks_share_count(u, range);
    for (int rank = 0; rank < u->ranks; rank++) {
        const int slot = rank % range->slots, group = rank / range->slots;
        u->link->from[rank] = experts_travel(u, range) ? ranks_incoming(u, range, turn, slot) + (size_t)group * own
                                                : slot_of(m, range, slot);
    }
}

void experts_send_sums(moec_model *m, const update_range *range, int turn) {
    struct update_state *u = m->update;
    if (!experts_travel(u, range)) { return; }
    for (int slot = 0; slot < range->slots; slot++) {
        ranks_deal_out(u, turn % UNDER_WAY, range, slot_of(m, range, slot), ranks_incoming(u, range, turn, slot), slot);
        if (slot < range->slots - 1) { ranks_wait(u, turn % UNDER_WAY); }
    }
}

// Each gets a copy.
void experts_spread(moec_model *m, const update_range *range, int ticket) {
    struct update_state *u = m->update;
    struct model_ranks *link = u->link;
    size_t *send = ranks_starts(u, ticket, 0), *receive = ranks_starts(u, ticket, 1), end;
    const size_t first = update_share(range, u->rank, u->ranks, &end), own = end - first;
    float *copies = link->incoming + (size_t)ticket * (UNDER_WAY * link->slot / MOEC_TICKETS);
    float *value = m->parameter->value + range->value;
    ranks_place_shares(u, range, receive);
    for (int r = 0; r <= u->ranks; r++) {
        int before = (r - u->rank % range->slots + range->slots - 1) / range->slots;
        send[r] = (size_t)before * own;
        if (r < u->ranks && r % range->slots == u->rank % range->slots) {
            memcpy(copies + send[r], value + first, own * sizeof *copies);
        }
    }
    value += (size_t)(u->rank % range->slots) * (range->count / (size_t)range->slots);
    if (link->lost) { return; }
    link->lost = u->exchange->all_to_all(u->exchange->context, ticket, copies, send, value, receive) != 0;
}

// ---- tensors ---------------------------------------------------------------------------------------

// All groups have the same: the first one gives them.
const float *experts_values(moec_model *m, const model_parameter *q) {
    struct update_state *u = m->update;
    const size_t own = q->stored / MODEL_EXPERT_RANKS;
    float *all = u->link->incoming;
    size_t *start = ranks_starts(u, 0, 0);
    for (int r = 0; r <= u->ranks; r++) { start[r] = (size_t)smaller(r, MODEL_EXPERT_RANKS) * own; }
    if (u->rank < MODEL_EXPERT_RANKS) { memcpy(all + start[u->rank], q->value + q->own, own * sizeof *all); }
    ranks_gather(u, 0, all, start);
    ranks_wait(u, 0);
    return u->link->lost ? NULL : all;
}

// They come in the order of ranks, and are sorted then.
const float *experts_moments(moec_model *m, const update_range *range, const float *from) {
    struct update_state *u = m->update;
    float *all = u->link->incoming, *to = all + u->link->slot;
    size_t end, first, *start = ranks_starts(u, 0, 0);
    start[0] = 0;
    for (int r = 0; r < u->ranks; r++) {
        first = update_share(range, r, u->ranks, &end);
        start[r + 1] = start[r] + end - first;
        if (r == u->rank) { memcpy(all + start[r], from + first, (end - first) * sizeof *all); }
    }
    ranks_gather(u, 0, all, start);
    ranks_wait(u, 0);
    if (u->link->lost) { return NULL; }
    for (int r = 0; r < u->ranks; r++) {
        first = update_share(range, r, u->ranks, &end);
        memcpy(to + first, all + start[r], (end - first) * sizeof *to);
    }
    return to;
}
