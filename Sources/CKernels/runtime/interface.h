// What the files behind moec_model.h, the same for every model, ask of model.c and of each other.
#ifndef INTERFACE_H
#define INTERFACE_H

#include "model.h"
#include "moec_model.h"

#pragma GCC visibility push(hidden)

// model.c: how large its memory is.
typedef struct {
    size_t arena, layers;   // bytes of all buffers; of what tells where a lane's layers have theirs
    size_t trained;         // bytes from the first parameter on that training changes
    size_t gradients;       // numbers of all of them, padding included
    size_t states;          // of what the rules of states make
    size_t range;           // numbers that learn, lie side by side and travel together, at most
    int blocks;             // by which these are dealt out, at most
    size_t moments, steps;  // bytes from the first parameter to where AdamW's moments begin, and where they end
    int lanes;              // room for so many passes of evaluation at once
} model_memory;

extern const model_memory model_sizes;

// Lists the parameters and routers of all uses of layers, in the order in which they lie.
void model_list(model_tables *tables, char *arena);

// Points everything at its place in the arena; what a pass writes, at that of a lane.
void model_bind(moec_model *m, char *arena, int lane);
#if MODEL_UPDATES_IN_BACKWARD

// Tells backward which step to make with the gradients of its own; NULL: none.
void model_bind_updates(moec_model *m, const adamw_numbers *step);

// Lets all gradients have large pages, before a pass that keeps them.
void model_keep_gradients(const moec_model *m);
#endif

// Runs all layers; the loss is computed if the pass has targets.
void model_forward(moec_model *m, const model_pass *pass);

#if MODEL_HAS_HEAD
// Makes the logits of `rows` positions of a pass from `first` on, at most MODEL_HEAD_ROWS, where model_logits finds
// them: model_forward makes none.
void model_head(moec_model *m, const model_pass *whole, int first, int rows);

#endif
// Gradients of all parameters, layer by layer in reverse.
void model_backward(moec_model *m, const model_pass *pass);

// ranks.c: backward has the gradients of all parameters from `first` on: where several ranks share an update, those of
// its last batch go to their owners.
void model_gradients_ready(moec_model *m, int first);

// What a pass left: the loss; the logits, NULL in a model that has none; the first layer that handed on a
// number that is not finite, or NULL.
float model_loss(const moec_model *m);
const float *model_logits(const moec_model *m);
const char *model_bad_layer(moec_model *m, const moec_model *last);
#if MODEL_HAS_OBJECTIVE

// Of what the gradients are: the loss, and its terms by their weights.
float model_objective(const moec_model *m);
#endif
#if MODEL_HAS_TERMS

// Copies the terms out that a pass left.
void model_terms(const moec_model *m, float *out);
#endif

// interface.c: lists those of one use at q, or r, whose first places and numbers the use before has left there;
// returns the place of the next.
#if MODEL_REORDERS
// The parameters are drawn as those from drawn_as on.
model_parameter *model_add_parameters(model_parameter *q, const model_parameter_row *rows, int count, const char *scope,
                                      int use, int drawn_as);
#else
model_parameter *model_add_parameters(model_parameter *q, const model_parameter_row *rows, int count, const char *scope,
                                      int use);
#endif
#if MODEL_HAS_ROUTERS
model_router *model_add_routers(model_router *r, const model_router_row *rows, int count, const char *scope, int use);
#endif

// What is called `name` in a use of a layer: `block.3.mixture.up.weight`. The use is -1 where there is no number.
const char *model_name(moec_model *m, const char *scope, int use, const char *name);

// Says what is wrong with a call, and returns 1. Every function of the interface refuses a model
// that is not there; what it says then has no place but its result.
int model_fail(moec_model *m, const char *message, int value, int limit);
int model_refuse(moec_model *m, const char *name, float value, const char *range);

// A look at each id: one outside of 0 ..< V would read outside of a table. Then at those of whole batches.
int model_check_ids(moec_model *m, const int32_t *ids, size_t count, const char *message);
int model_check_batches(moec_model *m, const int32_t *tokens, const int32_t *targets, size_t count);

// Sets memory to 0. Whole pages of it are given back where that can be: those that training never touches, as of
// gradients that AdamW takes on the way, then take no memory.
void model_clear(void *start, size_t bytes);

// Sets the number of threads for one call of the interface, and sets it back.
int model_enter(const moec_model *m);
void model_leave(int before);

// A pass of evaluation over a whole batch.
model_pass model_batch(const moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed);

// Notes in which lane the last pass was made, and what its routers chose, if there are any.
void model_note_pass(moec_model *m, const moec_model *lane, const model_pass *pass);

#if MODEL_TAKES_DOCUMENTS
// documents.c: whether there are documents for some of so many batches and not for all; those of one batch of a call,
// NULL: each row is one.
int documents_misfit(moec_model *m, int batches);
const int32_t *documents_of(const moec_model *m, int batch);

#endif
// evaluation.c: whether all of so many numbers are finite.
int model_all_finite(const float *x, size_t count);

#pragma GCC visibility pop
#endif
