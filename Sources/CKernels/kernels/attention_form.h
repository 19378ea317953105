// attention_form.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_FORM_H
#define KERNEL_ATTENTION_FORM_H

#include "attention_sizes.h"

// What attention may be: groups of heads that read the same keys, a window, scores with a cap,
// and sinks, each or none of them.
typedef struct {
    int row, key_row;    // floats from row to row of queries, and of keys and values
    int key_heads;       // heads of keys: head h of queries reads h / (heads / key_heads)
    int window;          // keys a query sees, its own included; 0: all up to its own
    float cap;           // scores become cap tanh(score / cap); 0: they do not
    const float *sinks;  // one more score for each head, of no value; NULL: none
#if MODEL_TAKES_DOCUMENTS
    const int32_t *beginnings;  // of each position's document; NULL: a sequence is one
#endif
} attention_form;

// All sizes of attention of that form; gradients have the rows of what they are gradients of.
static inline attention_sizes attention_sizes_of_form(int sequences, int heads, int length,
                                                      int depth, float scale, double rate,
                                                      uint64_t key,
                                                      const attention_form *form) {
    attention_sizes sizes = attention_sizes_of(sequences, heads, length, depth, length,
                                               scale, rate, key);
    sizes.inputs = attention_head_strides(length, depth, form->row);
    sizes.keys = attention_head_strides(length, depth, form->key_row);
    sizes.outputs = attention_head_strides(length, depth, heads * depth);
    sizes.gradients = sizes.inputs;
    sizes.d_keys = sizes.keys;
    sizes.group = heads / form->key_heads;
    sizes.window = form->window;
    sizes.cap = form->cap;
    sizes.sinks = form->sinks;
#if MODEL_TAKES_DOCUMENTS
    sizes.beginnings = form->beginnings;
#endif
    return sizes;
}

#endif
