// general_attention.c: a kernel of moec's, the same for every model.

#include "general_attention.h"
#include "attention_head.h"
#include "threads.h"

// Where all tiles are whole, and where they need not be.
OUTLINE void general_attention_whole_heads(float *restrict y, float *restrict maximums,
                                           float *restrict sums, const float *restrict q,
                                           const float *restrict k, const float *restrict v,
                                           int pair, int heads,
                                           const attention_sizes *sizes) {
    attention_sizes own = *sizes;
    own.whole = 1;
    attention_head(y, maximums, sums, q, k, v, pair, heads, &own);
}

OUTLINE void general_attention_any_heads(float *restrict y, float *restrict maximums,
                                         float *restrict sums, const float *restrict q,
                                         const float *restrict k, const float *restrict v,
                                         int pair, int heads, const attention_sizes *sizes) {
    attention_sizes own = *sizes;
    own.whole = 0;
    attention_head(y, maximums, sums, q, k, v, pair, heads, &own);
}

void general_attention(float *y, float *restrict maximums, float *restrict sums,
                       const float *q, const float *k, const float *v, int sequences,
                       int heads, int past, int length, int depth, float scale, double rate,
                       uint64_t key, const attention_form *form) {
#if MODEL_TAKES_DOCUMENTS
    int each = blocks_of(heads, ATTENTION_HEADS), blocks = sequences * each;
    int whole = past + length;
#else
    int pairs = sequences * heads, whole = past + length;
#endif
    attention_sizes all = attention_sizes_of_form(sequences, heads, whole, depth, scale, rate,
                                                  key, form);
    const attention_sizes *sizes = &all;
    all.first = past - past % LANES;
    y -= (size_t)past * all.outputs.row;
    q -= (size_t)past * all.inputs.row;
    k -= (size_t)past * all.keys.row;
    v -= (size_t)past * all.keys.row;
#if MODEL_TAKES_DOCUMENTS
    // Heads that are worked on in step have the same documents.
    #pragma omp parallel if ((size_t)blocks * whole * depth > 2048)
    FOR_OWN(block, blocks) {
        int head = block % each * ATTENTION_HEADS, pair = block / each * heads + head;
        int own = smaller(heads - head, ATTENTION_HEADS);
#else
    #pragma omp parallel if ((size_t)pairs * whole * depth > 4096)
    FOR_OWN(block, blocks_of(pairs, ATTENTION_HEADS)) {
        int pair = block * ATTENTION_HEADS;
        int own = smaller(pairs - pair, ATTENTION_HEADS);
#endif
        if (sizes->whole) {
            general_attention_whole_heads(y, maximums, sums, q, k, v, pair, own, sizes);
        } else {
            general_attention_any_heads(y, maximums, sums, q, k, v, pair, own, sizes);
        }
    }
}
