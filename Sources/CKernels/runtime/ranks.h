// What a model of several ranks has for exchanges.
#ifndef RANKS_H
#define RANKS_H

#include "update.h"

#pragma GCC visibility push(hidden)

enum {
    UNDER_WAY = 2,   // ranges whose gradients travel at once
    MOST_WAIT = 24,  // sums that wait for partners, of 2^20 batches in all
    EXPERTS = MODEL_STEPS + MODEL_PARAMETERS,
    USED = EXPERTS + 2,  // behind that the targets that are not ignored, in two words
#if MODEL_SHARES_EXPERTS
    PEER = 2,
#endif
};

struct model_ranks {
    int lost;            // a rank is gone
    int sent, added;     // ranges of this update, from the last one on: under way, and added up
    int joins;           // of the sums that wait on this rank, so many are partners of the last batch
    int pieces;          // sums that a rank is left with at most
    size_t slot;         // numbers that come in at once, at most
    int sums;            // that all ranks together are left with
    batch_span *span;    // [sums] of which batches they are, rank after rank
    int *own;            // [ranks] how many of them each has
    const float **from;  // [sums] where those to be added lie
    float *incoming;     // [UNDER_WAY, slot]
    float *states;       // [ranks, pieces, states]
    double *square;      // rank after rank, of its own blocks
    int32_t *used;       // [ranks, USED]
#if MODEL_SHARES_EXPERTS
    int32_t *peers;      // [ranks, PEER] of the last batch: whether its loss is finite, its targets not ignored
    int32_t *counts;     // rows that go to other ranks, and come from them
#endif
    size_t *start;       // [MOEC_TICKETS, 2, ranks + 1]
};

// The range in which parameter i lies, and the first of its numbers there.
const update_range *ranks_range(const moec_model *m, int i, size_t *first);

// How far `place` is behind `first`, from 0 to `count`.
size_t ranks_within(size_t place, size_t first, size_t count);

// The numbers of a range that this rank owns.
size_t ranks_share_count(const struct update_state *u, const update_range *range);

// Where shares start, on the side that sends and the one that receives; the place of an exchange's list of them.
size_t *ranks_starts(const struct update_state *u, int ticket, int side);

// Waits for an exchange; starts one in which words start[r] ..< start[r + 1] of a buffer come from rank r.
void ranks_wait(struct update_state *u, int ticket);
void ranks_gather(struct update_state *u, int ticket, void *buffer, const size_t *start);

// The sums that wait on this rank and are partners of that of `batch`; adds them to it, from number `first` on.
int ranks_joins(const struct update_state *u, int batch);
void ranks_join(const struct update_state *u, size_t first, float *to, size_t count);

// A sum that waits.
const float *ranks_held(const struct update_state *u, int index);

// The sum over all batches of some numbers, UPDATE_BLOCK at most, `at` from where all that is to be added begins.
void ranks_add_block(const struct model_ranks *link, size_t at, size_t count, float *to);

// Where each rank's share begins among the numbers that this rank has one sum over: those that share out other experts
// have none of it.
void ranks_place_shares(const struct update_state *u, const update_range *range, size_t *start);

// Sends all ranks their shares of `from`, the sum number `piece` that this rank has over a range; NULL: it has fewer,
// as others may.
void ranks_deal_out(struct update_state *u, int ticket, const update_range *range, const float *from, float *incoming,
                    int piece);

// Where the incoming numbers of one share lie: of sum `piece`, rank after rank.
float *ranks_incoming(const struct update_state *u, const update_range *range, int turn, int piece);

// Waits for the oldest range under way, and adds up this rank's share of it.
void ranks_add_range(moec_model *m);

#if MODEL_SHARES_EXPERTS

// expert_ranks.c, of experts that ranks share out: whether gradients and values go to other ranks at all.
int experts_travel(const struct update_state *u, const update_range *range);

// Sends the sums that a rank has over them to the ranks that have the same experts; all but the last are waited for.
// Then lists where those of all ranks over this rank's share lie.
void experts_send_sums(moec_model *m, const update_range *range, int turn);
void experts_list_sums(moec_model *m, const update_range *range, int turn);

// The new values of this rank's share to the ranks that have the same experts.
void experts_spread(moec_model *m, const update_range *range, int ticket);

// A value that ranks share out, or a moment, as it lies; NULL if a rank is gone.
const float *experts_values(moec_model *m, const model_parameter *q);
const float *experts_moments(moec_model *m, const update_range *range, const float *from);
#endif

#pragma GCC visibility pop
#endif
