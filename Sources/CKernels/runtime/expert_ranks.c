// Ranks share out the experts: each has some of every mixture, with their moments, gets the rows that chose them, and
// sends back what they make of them. All ranks make the same calls, whatever is chosen: none can wait for what never
// comes.

#include "ranks.h"

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
    if (trade(u, in, NULL, out, NULL, own, (size_t)words)) { memset(in, 0, (size_t)(MODEL_EXPERT_RANKS * words) * sizeof *in); }
    received[0] = 0;
    for (int x = 0; x < MODEL_EXPERT_RANKS; x++) { take_counts(received + x * own, origin + 3 * x, in + x * words, own); }
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
