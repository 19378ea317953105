// attention_sizes.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_SIZES_H
#define KERNEL_ATTENTION_SIZES_H

#include "base.h"
#include "random.h"
#include "vector_math.h"

// Attention works on tiles: LANES queries, one in each lane, by up to 64 keys of one
// (sequence, head). With a query in each lane, the softmax over keys needs no sums across
// lanes, and keys and values are read as they lie. A tile is held in a small array on the
// stack, tile[j * LANES + i] for key j and query i, so that the memory needed does not grow
// with the square of the length. All products go by squares of LANES queries by LANES keys by
// LANES columns, whose LANES sums stay in registers.

#define ATTENTION_KEYS 64

// Row i of (sequence s, head h) begins at s sequence + h head + i row.
typedef struct {
    size_t sequence, head, row;
} attention_strides;

// Sizes shared by all tiles of a call.
typedef struct {
    int sequences, heads, length, depth;
    int whole;           // all tiles are: depth is LANES, and length a multiple of it
    int first;           // the first query that is asked for, a multiple of LANES
    attention_strides inputs, keys, outputs;  // of q; of k, v; of y, d_y
    attention_strides gradients, d_keys;      // of d_q; of d_k, d_v
    int group;           // heads that read the same keys, one after the other
    int window;          // keys that a query sees, its own included; 0: all up to its own
    float cap;           // scores become cap tanh(score / cap); 0: they do not
    const float *sinks;  // one more score for each head, of no value; NULL: none
#if MODEL_TAKES_DOCUMENTS
    const int32_t *beginnings;  // of each position's document; NULL: a sequence is one
#endif
    float scale;         // of the scores
    int context;         // the length that numbers the weights for dropout
    uint32_t threshold;  // weights whose bits are below are dropped; 0: no dropout
    float keep;          // the factor of the others
    uint64_t key;
} attention_sizes;

// All sizes but the strides, of attention without groups, windows, caps and sinks.
static inline attention_sizes attention_sizes_of(int sequences, int heads, int length,
                                                 int depth, int context, float scale,
                                                 double rate, uint64_t key) {
    attention_sizes sizes = {
        .sequences = sequences,
        .heads = heads,
        .length = length,
        .depth = depth,
        .group = 1,
        .scale = scale,
        .whole = depth == LANES && length % LANES == 0,
        .context = context,
        .threshold = rate > 0 ? dropout_threshold(rate) : 0,
        .keep = dropout_scale(rate),
        .key = key,
    };
    return sizes;
}

// The same for heads that read keys of their own, all up to a query's: these are constants.
INLINE attention_sizes attention_plain(const attention_sizes *sizes, int whole) {
    attention_sizes plain = *sizes;
    plain.whole = whole;
    plain.keys = plain.inputs;
    plain.d_keys = plain.gradients;
    plain.group = 1;
    plain.window = 0;
    plain.cap = 0;
    plain.sinks = NULL;
    return plain;
}

// The depth, which is a constant where tiles are known to be whole.
INLINE int attention_depth(const attention_sizes *sizes) {
    return sizes->whole ? LANES : sizes->depth;
}

// Strides of heads that lie side by side in rows of `row` floats.
static inline attention_strides attention_head_strides(int length, int depth, int row) {
    attention_strides strides = {(size_t)length * row, (size_t)depth, (size_t)row};
    return strides;
}

// Where the head of number `pair` = sequence * heads + head begins.
static inline size_t attention_at(attention_strides strides, int pair, int heads) {
    return (size_t)(pair / heads) * strides.sequence + (size_t)(pair % heads) * strides.head;
}

// Where the keys begin that the head of number `pair` reads, or their gradients.
INLINE size_t attention_keys_at(attention_strides strides, int pair,
                                const attention_sizes *sizes) {
    return attention_at(strides, pair / sizes->group, sizes->heads / sizes->group);
}

// One tile: queries query ..< query + queries against keys key ..< key + keys; their tiles
// begin with key `first`.
typedef struct {
    int query, queries, key, keys, first;
} attention_tile;

#if MODEL_TAKES_DOCUMENTS
// Of the documents, those of the sequence that the head of number `pair` is of.
INLINE attention_sizes attention_of_sequence(const attention_sizes *sizes, int pair) {
    attention_sizes own = *sizes;
    if (own.beginnings) { own.beginnings += (size_t)(pair / own.heads) * (size_t)own.length; }
    return own;
}

// The first key of the tiles of queries from `query` on, a multiple of LANES: those that none of
// them sees, before their documents or windows, are left out. The first query's document begins
// first.
INLINE int attention_first_key(int query, const attention_sizes *sizes) {
    int seen = sizes->window ? larger(query - sizes->window + 1, 0) : 0;
    if (sizes->beginnings) { seen = larger(seen, sizes->beginnings[query]); }
    return seen - seen % LANES;
}
#else
// The first key of the tiles of queries from `query` on, a multiple of LANES: with a window
// those that none of them sees are left out.
INLINE int attention_first_key(int query, const attention_sizes *sizes) {
    int seen = query - sizes->window + 1;
    return sizes->window == 0 || seen <= 0 ? 0 : seen - seen % LANES;
}
#endif

// The tile at (query, key), with those keys alone that one of its queries sees.
INLINE attention_tile attention_tile_at(int query, int key, const attention_sizes *sizes) {
    int queries = sizes->whole ? LANES : smaller(LANES, sizes->length - query);
    attention_tile tile = {query, queries, key,
                           smaller(ATTENTION_KEYS, query + queries - key),
                           attention_first_key(query, sizes)};
    return tile;
}

#endif
