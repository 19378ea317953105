// moec_model.h: the C interface of every library that moec compiles, ABI version 1.
//
// A model is one allocation. Functions that return int return 0 for success; on failure moec_error() says why.
// NULL for a model, or for what a call reads or writes, is refused, except where it is said to be allowed.
// A model may be used from one thread at a time; different models are independent of each other.
//
// Libraries made with gcc: closing one (dlclose) leaves it loaded, as its threads still wait in it. A child
// process (fork) uses a model of its parent with one thread; results are the same. A model that the child
// creates itself must be set to one thread if the parent has used any before the fork, or it waits for ever.
#ifndef MOEC_MODEL_H
#define MOEC_MODEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOEC_ABI 1

// What a compiled library exports; everything else in it is hidden.
#if defined(__GNUC__)
#define MOEC_EXPORT __attribute__((visibility("default")))
#else
#define MOEC_EXPORT
#endif

typedef struct moec_model moec_model;

/// What moec_read and moec_write address: a parameter's value or what training keeps beside it.
enum {
    MOEC_VALUE = 0,          // the parameter itself
    MOEC_GRADIENT = 1,       // its gradient of the last moec_gradients or moec_accumulate; a training step keeps none
    MOEC_FIRST_MOMENT = 2,   // AdamW's m
    MOEC_SECOND_MOMENT = 3,  // AdamW's v
    MOEC_STEPS = 4           // AdamW's step counts: manifest "steps" numbers, one for each expert or a single one
};

/// A target that is ignored: nothing is learned from its position, and the loss is the mean over the others. Every
/// other target, and every token, is one of the vocabulary.
enum { MOEC_IGNORED = -100 };

/// The numbers of one AdamW step. `seed` is that of this step's randomness (dropout and router noise). Others than
/// learning_rate >= 0, 0 <= beta < 1, epsilon > 0 and weight_decay >= 0, all finite, and learning_rate * weight_decay
/// <= 1 are refused, and nothing is changed.
typedef struct {
    float learning_rate, beta1, beta2, epsilon, weight_decay;
    uint64_t seed;
} moec_hyper;

/// The version of this interface that the library was compiled for: MOEC_ABI.
MOEC_EXPORT int moec_abi(void);

/// The first instruction set that the library was compiled for and this processor lacks; NULL if it has them all.
/// Nothing else may be called where one is missing.
MOEC_EXPORT const char *moec_missing_feature(void);

/// The library's description, static JSON: name, axes, parameters, defaults, memory, flops.
MOEC_EXPORT const char *moec_manifest(void);

/// A model in one arena, all parameters 0; NULL when there is no memory.
MOEC_EXPORT moec_model *moec_create(void);

/// How the ranks of one model reach each other: processes under MPI, or threads of one process. All ranks make the same
/// calls in the same order; numbers move in words of 4 bytes. Calls return 0 for success; after another result, which
/// means that a rank is gone, nothing more may be asked.
typedef struct moec_exchange {
    void *context;    // given to each call
    int rank, ranks;  // 0 <= rank < ranks

    /// Starts exchange `ticket`, which is not under way: words send_start[r] ..< send_start[r + 1] of `send` go to rank
    /// r, and what rank r sends here to words receive_start[r] ..< receive_start[r + 1] of `receive`, this rank's own
    /// included. Both start at [ranks + 1] places, ascending, and all is left alone until the exchange has ended.
    int (*all_to_all)(void *context, int ticket, const void *send, const size_t *send_start, void *receive,
                      const size_t *receive_start);

    /// Starts exchange `ticket`: words start[r] ..< start[r + 1] of `buffer` are rank r's, and come to the same place of
    /// all others.
    int (*all_gather)(void *context, int ticket, void *buffer, const size_t *start);

    /// Waits until exchange `ticket` has ended, for this rank's part in it.
    int (*wait)(void *context, int ticket);

    /// Lets the exchanges under way get on, without waiting.
    int (*poll)(void *context);
} moec_exchange;

/// Exchanges that may be under way at once: tickets are 0 ..< MOEC_TICKETS.
#define MOEC_TICKETS 4

/// A model like that of moec_create, for updates of `batches` calls of moec_accumulate each; NULL too where a number is
/// out of range. With an exchange it is one of exchange->ranks that train together: all are initialized or written
/// alike, and update together, by the mean over the batches of all ranks. Batch n of an update is batch n % batches of
/// rank n / batches, and the parameters are the same bits for any number of ranks. A rank keeps its share of the
/// moments: reading one is done by all ranks, and gradients cannot be read. The exchange stays until the model is gone;
/// NULL: the model is alone.
///
/// Of a library compiled with --expert-ranks X, ranks d * X ..< (d + 1) * X share out the experts: their number is a
/// multiple of X, and that of batches a power of two, or there is NULL, as moec_create always gives. All ranks then make
/// every pass together, moec_losses over equally many batches, and a loss that is not finite on one keeps the batch of
/// all out of the update. Reading the value of what is stacked by expert is done by all ranks, as moments are read.
MOEC_EXPORT moec_model *moec_create_rank(const moec_exchange *exchange, int batches);

/// Frees the model; NULL is allowed.
MOEC_EXPORT void moec_destroy(moec_model *model);

/// Sets parameters as the model declares them; gradients, moments and step counts to 0.
MOEC_EXPORT void moec_initialize(moec_model *model, uint64_t seed);

/// Sets how many threads later calls use, at least 1. Results do not depend on it.
MOEC_EXPORT int moec_set_threads(moec_model *model, int count);

/// Copies parameter `index` out, logical row-major float32 in the manifest's shape (MOEC_STEPS: "steps" numbers).
/// A parameter with "update": "state" is updated by a rule at the end of moec_train_step and, to the mean of what the
/// rule made for the accumulated batches, of moec_update (or moves by a fixed step in that mean's direction); it has a
/// value alone, and the other kinds are refused.
/// One with "gradient": false has none: the other kinds are 0, and nothing else can be written there.
MOEC_EXPORT int moec_read(const moec_model *model, int kind, int index, float *out);

/// The same for `count` numbers of the parameter from number `first` on, both at least 0: what is large can be
/// copied in parts.
MOEC_EXPORT int moec_read_part(const moec_model *model, int kind, int index, int64_t first, int64_t count, float *out);

/// Copies parameter `index` in, in the same form as moec_read gives it. Step counts are whole numbers from 0 to
/// 16777216, where they stay; second moments are not negative.
MOEC_EXPORT int moec_write(moec_model *model, int kind, int index, const float *in);

/// Forward, backward and one AdamW step on tokens, targets [B, T]; returns the loss, NaN on an error. A loss that is
/// not finite leaves parameters, moments and step counts as they were; so does an objective, the loss and its terms
/// by their weights, which is returned in the loss's place then. So does a batch whose targets are all ignored: its
/// loss is 0.
MOEC_EXPORT float moec_train_step(moec_model *model, const int32_t *tokens, const int32_t *targets, const moec_hyper *hyper);

/// Forward and backward only, in training mode (dropout on); returns the loss, NaN on an error.
MOEC_EXPORT float moec_gradients(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed);

/// Like moec_gradients, but the gradients are added to those of earlier calls since the last update, in pairs: batches
/// 0 and 1, 2 and 3, then these sums. A model of moec_create_rank takes as many calls for an update as it was made for;
/// one of moec_create takes one, or up to 64 from a library compiled with --accumulate. A batch weighs the share
/// of its targets that is not ignored. Returns this batch's loss, NaN on an error.
MOEC_EXPORT float moec_accumulate(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed);

/// One AdamW step with the mean of the accumulated gradients, scaled down to the norm max_norm if that is above 0 and
/// theirs is larger. The mean is that over all targets of the batches that are not ignored; where all are, nothing is
/// changed, and the norm is 0. Returns their L2 norm; if that is not finite nothing is changed. NaN if nothing was
/// accumulated.
MOEC_EXPORT float moec_update(moec_model *model, const moec_hyper *hyper, float max_norm);

/// Whether weight decay applies to parameter `index`, from now on; at first as the manifest says.
MOEC_EXPORT int moec_set_decay(moec_model *model, int index, int decays);

/// Moves the parameters of `average` towards those of `model`, another model of the same library: keep * average +
/// (1 - keep) * model, 0 <= keep < 1, so that 0 copies them. What is not learned is copied.
MOEC_EXPORT int moec_average(moec_model *average, const moec_model *model, float keep);

/// After a loss that is not finite: the first parameter or layer with a number that is not; NULL if there is none.
MOEC_EXPORT const char *moec_first_bad(const moec_model *model);

/// The mean loss over the targets that are not ignored, in evaluation mode (dropout off), 0 if all are; NaN on an error.
MOEC_EXPORT float moec_loss(moec_model *model, const int32_t *tokens, const int32_t *targets, uint64_t seed);

/// The mean losses of `count` batches, [count, B, T] tokens and targets and a seed for each: what so many calls of
/// moec_loss return, but threads take whole batches side by side where the library has room for it. Batches behind
/// one whose loss is not finite are left out; theirs are NaN.
MOEC_EXPORT int moec_losses(moec_model *model, int count, const int32_t *tokens, const int32_t *targets, const uint64_t *seeds, float *losses);

/// Copies out the terms of the objective in the last pass over a batch, in the order of the manifest's "terms"; of
/// several batches, those of the last. After moec_logits, whose text is no batch, they mean nothing. A library whose
/// model has no terms lacks this function.
MOEC_EXPORT int moec_terms(moec_model *model, float *out);

/// One sequence of 1 to T tokens in evaluation mode -> its logits [length, V]. Models that keep keys and values (the
/// head of model.c says so) compute only what comes after the tokens that the last call began with too; same bits.
MOEC_EXPORT int moec_logits(moec_model *model, const int32_t *tokens, int length, uint64_t seed, float *out);

/// The same, but the logits of the last token alone, [V]: those that the next token is drawn from. A library compiled
/// with --inference makes no others then; its moec_logits runs the whole text each time. Older libraries lack it.
MOEC_EXPORT int moec_next(moec_model *model, const int32_t *tokens, int length, uint64_t seed, float *out);

/// What one expert of one router was given: in pairs of a token and one of its choices.
typedef struct {
    uint64_t chosen;  // pairs that chose it
    uint64_t kept;    // of these the ones that it computed; the others were beyond its capacity
    double weight;    // the sum of the weights that all of them gave it
} moec_load;

/// Copies the loads of all experts out, router after router in the order of the manifest's "routers", and sets them
/// to 0. Passes in training mode (training: 1) and in evaluation mode (0) are counted apart, both without the tokens
/// whose targets are ignored. A library whose model routes nothing lacks this function and the next two.
MOEC_EXPORT int moec_expert_loads(moec_model *model, int training, moec_load *out);

/// Copies out what the routers chose in the last pass, which must have had so many tokens, router after router,
/// [tokens, choices] each: experts, in ascending order for each token; kept, 0 where the expert was full and 1
/// elsewhere; weights. Each of the three may be NULL.
MOEC_EXPORT int moec_routes(moec_model *model, int tokens, int32_t *experts, int32_t *kept, float *weights);

/// Makes the routers take these experts in the next pass, which must be of so many tokens, whatever their logits say;
/// weights still come from the logits. Router after router, [tokens, choices] each, ascending for each token.
MOEC_EXPORT int moec_replay(moec_model *model, const int32_t *experts, int tokens);

/// What the last failed call on this model found wrong; the empty string if none failed.
MOEC_EXPORT const char *moec_error(const moec_model *model);

#ifdef __cplusplus
}
#endif
#endif
