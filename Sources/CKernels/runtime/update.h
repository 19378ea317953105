// How the gradients of several batches become one step: added up in pairs, on this rank and between ranks.
#ifndef UPDATE_H
#define UPDATE_H

#include "interface.h"

#pragma GCC visibility push(hidden)

enum {
    UPDATE_BLOCK = 1024,       // numbers of a range are dealt out to ranks, and their squares added up, by so many
    UPDATE_BATCHES = 1 << 20,  // of an update, at most
    UPDATE_HELD = 42,          // sums that can wait for their partners on a rank, of so many batches
};

// Parameters that learn and lie side by side in a use of a layer: their values, gradients and moments lie alike. One
// that is stacked by expert is a range of its own.
typedef struct {
    int parameter, end;  // parameter ..< end
    size_t first;        // the first of their numbers, among all gradients
    size_t value;        // and among all values
    size_t count;        // how many there are, padding included
    size_t each;         // numbers of an expert, which has blocks of its own; else of all
    int stack;           // experts, or 1
    int slots;           // the ranks that share out the experts, 1 where each has all; so many sums each rank has
    size_t block;        // the first of their blocks, among all
} update_range;

// Batches first ..< first + count of an update.
typedef struct {
    int first, count;
} batch_span;

// What a model has for its updates.
struct update_state {
    const moec_exchange *exchange;  // NULL: the model is alone
    int rank, ranks;
    int parts;                      // batches of this rank for an update; 0: as many as there is room for
    batch_span sum;                 // what the gradients are the sum over
    int room, holds;                // for so many sums; those that wait for their partners
    batch_span held[UPDATE_HELD];
    float *sums;                    // [room, gradients and states]
    int ranges;
    update_range *range;
    double *square;                 // of each block's gradients
    struct model_ranks *link;       // ranks.c: what is under way; NULL: the model is alone
#if MODEL_SHARES_EXPERTS
    int agrees;                     // the loss of the last batch is finite on all ranks
#endif
};

// A batch's gradients are about to be computed, and have been: what they overwrite is kept, what they can be added to
// is. Returns 0 if there is room for the batch.
int update_begin_batch(moec_model *m);
void update_end_batch(moec_model *m);

// The batch about to be computed will not be: its loss was not finite.
void update_leave_batch(moec_model *m);

// Multiplies the gradients of a range by the weight of the batch just computed: how many of its targets are not
// ignored, of all. Where nothing is ignored, it is 1, and they stay as they are.
void update_weigh(moec_model *m, const update_range *range);

// Numbers of one sum: all gradients, and what the rules of states made.
size_t update_count(void);

// The blocks of a range, and where one begins in it.
int update_blocks(const update_range *range);
size_t update_place(const update_range *range, int block);

// The blocks of a range that a rank owns are the result ..< *end; so are its numbers.
int update_own_blocks(const update_range *range, int rank, int ranks, int *end);
size_t update_share(const update_range *range, int rank, int ranks, size_t *end);

// The parts of the sum over all batches that are made of batches first ..< end alone, in order; returns how many.
int update_spans(int first, int end, batch_span *spans);

// Whether the sum over `a` waits for that over `b`.
int update_are_partners(batch_span a, batch_span b);

// Adds all that waits to the gradients, from the last to the first.
void update_add_all(moec_model *m);

// The squares of all gradients, block by block; their sum in order.
double update_block_square(const moec_model *m, const update_range *range, int block);
void update_take_squares(moec_model *m);
double update_sum_of_squares(const moec_model *m);

// The blocks of all ranges, at most.
size_t update_most_blocks(void);

// Bytes behind the arena for all this, and their first use.
size_t update_bytes(const moec_exchange *exchange, int batches);
void update_begin(moec_model *m, const moec_exchange *exchange, int batches, char *memory);

// ranks.c: the bytes behind the arena that a model of several ranks takes, and their first use.
size_t ranks_bytes(const struct update_state *u);
void ranks_begin(moec_model *m, char *memory);

// Ends what is under way for gradients: each rank has the sum over all batches of its own numbers, and all ranks know
// the squares, which experts had rows, how many targets were not ignored, and the sums of states. Returns 0 if all ranks are there.
int ranks_sum(moec_model *m);

// AdamW on this rank's own numbers, and all values to all.
int ranks_step(moec_model *m, const adamw_numbers *step, float scale);

#if MODEL_SHARES_EXPERTS
// A moment of parameter i, or a value that ranks share out, as it lies, whose numbers all ranks give; NULL if a rank is
// gone.
#else
// A moment of parameter i, as it lies, whose numbers all ranks give; NULL if a rank is gone.
#endif
const float *ranks_tensor(moec_model *m, int kind, int i);

// Which numbers of parameter i, as they lie, this rank owns the moments of: *first ..< *end.
void ranks_owned(const moec_model *m, int i, size_t *first, size_t *end);
#if MODEL_SHARES_EXPERTS

// Whether a rank is gone.
int ranks_are_lost(const moec_model *m);

// expert_ranks.c: whether the loss of a batch is finite on all ranks; then whether any of them has targets, and how many
// those of rank `source` of the group are.
int experts_agree(moec_model *m, int is_finite);
int experts_learn(const moec_model *m);
int experts_counted(const moec_model *m, int source);

// Which numbers of a parameter, as they lie, a rank has the values of: so many from the first on.
size_t experts_first(const model_parameter *q, int rank);
size_t experts_count(const model_parameter *q);
#endif

#pragma GCC visibility pop
#endif
