// Several ranks train one model: each has its own batches of an update, and the same values. Of gradients and moments
// each rank owns a share of every layer: it adds up what all ranks have of its share, makes AdamW's step there, and
// sends the new values to all. What is exchanged, and in which order, depends on the model and on the number of ranks
// and batches alone, never on tokens or routes, so that no rank can wait for what never comes.

#include "ranks.h"

// ---- what belongs to whom -----------------------------------------------------------------------

// Counts the sums that all ranks are left with when they have added up what they can, and lists them if there is room.
static void list_sums(const struct update_state *u, struct model_ranks *link) {
    batch_span spans[UPDATE_HELD];
    link->sums = 0;
    for (int rank = 0; rank < u->ranks; rank++) {
        int count = update_spans(rank * u->parts, (rank + 1) * u->parts, spans);
        if (link->span) {
            link->own[rank] = count;
            memcpy(link->span + link->sums, spans, (size_t)count * sizeof *spans);
        }
        link->pieces = larger(link->pieces, count);
        link->sums += count;
    }
}

// Whether a rank has a sum to send as number `piece`; all have a last one.
static int has_sum(const struct model_ranks *link, int rank, int piece) {
    return piece == link->pieces - 1 || link->own[rank] - 1 > piece;
}

size_t ranks_share_count(const struct update_state *u, const update_range *range) {
    size_t end, first = update_share(range, u->rank, u->ranks, &end);
    return end - first;
}

void ranks_place_shares(const struct update_state *u, const update_range *range, size_t *start) {
    const int slots = range->slots, own = u->rank % slots, sharers = u->ranks / slots;
    size_t end, base = update_share(range, own, u->ranks, &end);
    for (int r = 0; r <= u->ranks; r++) {
        int next = (r - own + slots - 1) / slots;  // of those that share with this rank, the first from r on
        start[r] = (next < sharers ? update_share(range, next * slots + own, u->ranks, &end) : end) - base;
    }
}

// The range in which parameter i lies, and the first of its numbers there.
const update_range *ranks_range(const moec_model *m, int i, size_t *first) {
    const update_range *range = m->update->range;
    while (range->end <= i) { range++; }
    *first = (size_t)(m->parameter[i].gradient - m->gradient) - range->first;
    return range;
}

size_t ranks_within(size_t place, size_t first, size_t count) {
    return place <= first ? 0 : place - first < count ? place - first : count;
}

void ranks_owned(const moec_model *m, int i, size_t *first, size_t *end) {
    const struct update_state *u = m->update;
    size_t at, count = m->parameter[i].stored;
    const update_range *range = ranks_range(m, i, &at);
    size_t last, own = update_share(range, u->rank, u->ranks, &last);
    *first = ranks_within(own, at, count);
    *end = ranks_within(last, at, count);
}

// ---- memory -------------------------------------------------------------------------------------

static struct model_ranks sizes_of(const struct update_state *u) {
    struct model_ranks link = {.pieces = 1};
    list_sums(u, &link);
    link.slot = (size_t)blocks_of(model_sizes.blocks, u->ranks) * UPDATE_BLOCK * (size_t)u->ranks * (size_t)link.pieces;
    if (link.slot < model_sizes.range) { link.slot = model_sizes.range; }
    return link;
}

// In bytes, in the order in which they lie; all are multiples of 8.
static size_t states_bytes(const struct update_state *u, const struct model_ranks *link) {
    return ((size_t)u->ranks * (size_t)link->pieces * model_sizes.states + 1) / 2 * 2 * sizeof(float);
}

static size_t used_bytes(const struct update_state *u) { return ((size_t)u->ranks * USED + 1) / 2 * 2 * sizeof(int); }

#if MODEL_SHARES_EXPERTS
static size_t peer_bytes(const struct update_state *u) { return (size_t)u->ranks * PEER * sizeof(int32_t); }
static size_t count_bytes(void) { return (size_t)(MODEL_EXPERTS + 3 * MODEL_EXPERT_RANKS) * 2 * sizeof(int32_t); }

#endif
static size_t start_bytes(const struct update_state *u) {
    return MOEC_TICKETS * 2 * (size_t)(u->ranks + 1) * sizeof(size_t);
}

// What is listed of the sums of all ranks: where they lie, of which batches they are, how many each rank has.
static size_t sums_bytes(const struct update_state *u, const struct model_ranks *link) {
    size_t own = (size_t)(u->ranks + 1) / 2 * 2 * sizeof(int);
    return (size_t)link->sums * (sizeof(float *) + sizeof(batch_span)) + own;
}

size_t ranks_bytes(const struct update_state *u) {
    const struct model_ranks link = sizes_of(u);
    return (sizeof link + 63) / 64 * 64 + sums_bytes(u, &link) + UNDER_WAY * link.slot * sizeof(float)
        + states_bytes(u, &link)
#if MODEL_SHARES_EXPERTS
        + peer_bytes(u) + count_bytes()
#endif
        + update_most_blocks() * sizeof(double) + used_bytes(u) + start_bytes(u);
}

void ranks_begin(moec_model *m, char *memory) {
    struct update_state *u = m->update;
    struct model_ranks *link = u->link = (struct model_ranks *)memory;
    *link = sizes_of(u);
    memory += (sizeof *link + 63) / 64 * 64;
    link->from = (const float **)memory;
    link->span = (batch_span *)(link->from + link->sums);
    link->own = (int *)(link->span + link->sums);
    list_sums(u, link);
    memory += sums_bytes(u, link);
    link->incoming = (float *)memory;
    memory += UNDER_WAY * link->slot * sizeof(float);
    link->states = (float *)memory;
    memory += states_bytes(u, link);
    link->square = (double *)memory;
    memory += update_most_blocks() * sizeof(double);
    link->used = (int32_t *)memory;
    memory += used_bytes(u);
#if MODEL_SHARES_EXPERTS
    link->peers = (int32_t *)memory;
    memory += peer_bytes(u);
    link->counts = (int32_t *)memory;
    memory += count_bytes();
#endif
    link->start = (size_t *)memory;
}

// ---- exchanges ----------------------------------------------------------------------------------

size_t *ranks_starts(const struct update_state *u, int ticket, int side) {
    return u->link->start + (size_t)(2 * ticket + side) * (size_t)(u->ranks + 1);
}

void ranks_wait(struct update_state *u, int ticket) {
    struct model_ranks *link = u->link;
    if (!link->lost) { link->lost = u->exchange->wait(u->exchange->context, ticket) != 0; }
}

#if MODEL_SHARES_EXPERTS
int ranks_are_lost(const moec_model *m) { return m->update->link && m->update->link->lost; }

#endif
// Words start[r] ..< start[r + 1] of a buffer come from rank r.
void ranks_gather(struct update_state *u, int ticket, void *buffer, const size_t *start) {
    struct model_ranks *link = u->link;
    if (!link->lost) { link->lost = u->exchange->all_gather(u->exchange->context, ticket, buffer, start) != 0; }
}

// Whether a rank sends this one a share of its sum number `piece`.
static int sends(const struct update_state *u, const update_range *range, int rank, int piece) {
    return range->slots > 1 ? rank % range->slots == u->rank % range->slots : has_sum(u->link, rank, piece);
}

void ranks_deal_out(struct update_state *u, int ticket, const update_range *range, const float *from, float *incoming,
                    int piece) {
    struct model_ranks *link = u->link;
    size_t *send = ranks_starts(u, ticket, 0), *receive = ranks_starts(u, ticket, 1);
    size_t own = ranks_share_count(u, range);
    ranks_place_shares(u, range, send);
    receive[0] = 0;
    for (int r = 0; r < u->ranks; r++) {
        receive[r + 1] = receive[r] + (sends(u, range, r, piece) ? own : 0);
    }
    for (int r = 0; !from && r <= u->ranks; r++) { send[r] = 0; }
    if (link->lost) { return; }
    link->lost = u->exchange->all_to_all(u->exchange->context, ticket, from, send, incoming, receive) != 0;
}

// ---- gradients ----------------------------------------------------------------------------------

// The sums that wait and are partners of the last batch's.
int ranks_joins(const struct update_state *u, int batch) {
    batch_span sum = {batch, 1};
    int joins = 0;
    while (joins < u->holds && update_are_partners(u->held[u->holds - 1 - joins], sum)) {
        sum = (batch_span){u->held[u->holds - 1 - joins].first, 2 * sum.count};
        joins++;
    }
    return joins;
}

const float *ranks_held(const struct update_state *u, int index) {
    return u->sums + (size_t)index * update_count();
}

void ranks_join(const struct update_state *u, size_t first, float *to, size_t count) {
    for (int j = 1; j <= u->link->joins; j++) {
        const float *from = ranks_held(u, u->holds - j) + first;
        #pragma omp parallel for schedule(static) if (count > 65536)
        for (int64_t i = 0; i < (int64_t)count; i++) { to[i] = from[i] + to[i]; }
    }
}

float *ranks_incoming(const struct update_state *u, const update_range *range, int turn, int piece) {
    return u->link->incoming + (size_t)(turn % UNDER_WAY) * u->link->slot
        + (size_t)piece * (size_t)(u->ranks / range->slots) * ranks_share_count(u, range);
}

// Lists where the sums of all ranks over this rank's share lie. A rank's last one came with the last of all.
static void list_incoming(struct update_state *u, const update_range *range, int turn) {
    struct model_ranks *link = u->link;
    const size_t own = ranks_share_count(u, range);
    for (int piece = 0; piece < link->pieces; piece++) {
        const float *place = ranks_incoming(u, range, turn, piece);
        for (int rank = 0, first = 0; rank < u->ranks; first += link->own[rank++]) {
            if (!has_sum(link, rank, piece)) { continue; }
            link->from[first + (piece == link->pieces - 1 ? link->own[rank] - 1 : piece)] = place;
            place += own;
        }
    }
}

static void add(float *to, const float *more, size_t count) {
    for (size_t i = 0; i < count; i++) { to[i] = to[i] + more[i]; }
}

void ranks_add_block(const struct model_ranks *link, size_t at, size_t count, float *to) {
    float sum[MOST_WAIT][UPDATE_BLOCK];
    batch_span held[MOST_WAIT];
    int holds = 0;
    for (int s = 0; s < link->sums; s++, holds++) {
        memcpy(sum[holds], link->from[s] + at, count * sizeof(float));
        held[holds] = link->span[s];
        for (; holds && update_are_partners(held[holds - 1], held[holds]); holds--) {
            add(sum[holds - 1], sum[holds], count);
            held[holds - 1].count *= 2;
        }
    }
    for (holds--; holds > 0; holds--) { add(sum[holds - 1], sum[holds], count); }
    memcpy(to, sum[0], count * sizeof(float));
}

// Waits for the oldest range under way, and adds up this rank's share of it.
void ranks_add_range(moec_model *m) {
    struct update_state *u = m->update;
    const int turn = u->link->added++;
    const update_range *range = &u->range[u->ranges - 1 - turn];
#if MODEL_SHARES_EXPERTS
    if (experts_travel(u, range)) { ranks_wait(u, turn % UNDER_WAY); }
#else
    ranks_wait(u, turn % UNDER_WAY);
#endif
    if (u->link->lost) { return; }
    size_t end, first = update_share(range, u->rank, u->ranks, &end);
    const size_t own = end - first;
    float *to = m->gradient + range->first + first;
    const int blocks = (int)((own + UPDATE_BLOCK - 1) / UPDATE_BLOCK);
    list_incoming(u, range, turn);
#if MODEL_SHARES_EXPERTS
    if (range->slots > 1) { experts_list_sums(m, range, turn); }
#endif
    #pragma omp parallel for schedule(static) if (blocks > 8)
    for (int b = 0; b < blocks; b++) {
        size_t at = (size_t)b * UPDATE_BLOCK, left = own - at;
        ranks_add_block(u->link, at, left < UPDATE_BLOCK ? left : UPDATE_BLOCK, to + at);
    }
}

// Sends the sums that this rank has over a range to the owners; all but the last one of each rank are waited for.
static void send_range(moec_model *m) {
    struct update_state *u = m->update;
    struct model_ranks *link = u->link;
    if (link->sent - link->added == UNDER_WAY) { ranks_add_range(m); }
    const int turn = link->sent++, ticket = turn % UNDER_WAY, wait = u->holds - link->joins;
    const update_range *range = &u->range[u->ranges - 1 - turn];
    update_weigh(m, range);
    ranks_join(u, range->first, m->gradient + range->first, range->count);
#if MODEL_SHARES_EXPERTS
    if (range->slots > 1) {
        experts_send_sums(m, range, turn);
        return;
    }
#endif
    for (int piece = 0; piece < link->pieces; piece++) {
        const int last = piece == link->pieces - 1;
        const float *waiting = piece < wait ? ranks_held(u, piece) + range->first : NULL;
        const float *from = last ? m->gradient + range->first : waiting;
        ranks_deal_out(u, ticket, range, from, ranks_incoming(u, range, turn, piece), piece);
        if (!last) { ranks_wait(u, ticket); }
    }
}

void model_gradients_ready(moec_model *m, int first) {
    struct update_state *u = m->update;
    struct model_ranks *link = u->link;
    if (!link || link->lost || m->batches + 1 != u->parts) { return; }
    if (!link->sent) { link->joins = ranks_joins(u, u->rank * u->parts + m->batches); }
    while (link->sent < u->ranges && u->range[u->ranges - 1 - link->sent].parameter >= first) { send_range(m); }
    if (!link->lost) { link->lost = u->exchange->poll(u->exchange->context) != 0; }
}

