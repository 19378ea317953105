// attention.c: a kernel of moec's, the same for every model.

#include "attention.h"
#include "attention_head.h"
#include "threads.h"

// The same where all tiles are whole, and where they need not be.
OUTLINE void attention_whole_heads(float *restrict y, float *restrict maximums,
                                   float *restrict sums,
                                   const float *restrict q, const float *restrict k,
                                   const float *restrict v, int pair, int heads,
                                   const attention_sizes *sizes) {
    attention_sizes own = attention_plain(sizes, 1);
    attention_head(y, maximums, sums, q, k, v, pair, heads, &own);
}

OUTLINE void attention_any_heads(float *restrict y, float *restrict maximums,
                                 float *restrict sums,
                                 const float *restrict q, const float *restrict k,
                                 const float *restrict v, int pair, int heads,
                                 const attention_sizes *sizes) {
    attention_sizes own = attention_plain(sizes, 0);
    attention_head(y, maximums, sums, q, k, v, pair, heads, &own);
}

static inline void attention_heads(float *restrict y, float *restrict maximums,
                                   float *restrict sums,
                                   const float *restrict q, const float *restrict k,
                                   const float *restrict v, const attention_sizes *sizes) {
#if MODEL_TAKES_DOCUMENTS
    // Heads that are worked on in step have the same documents.
    int each = blocks_of(sizes->heads, ATTENTION_HEADS), blocks = sizes->sequences * each;
    #pragma omp parallel if ((size_t)blocks * sizes->length * sizes->depth > 2048)
    FOR_OWN(block, blocks) {
        int head = block % each * ATTENTION_HEADS, pair = block / each * sizes->heads + head;
        int heads = smaller(sizes->heads - head, ATTENTION_HEADS);
#else
    int pairs = sizes->sequences * sizes->heads;
    #pragma omp parallel if ((size_t)pairs * sizes->length * sizes->depth > 4096)
    FOR_OWN(block, blocks_of(pairs, ATTENTION_HEADS)) {
        int pair = block * ATTENTION_HEADS;
        int heads = smaller(pairs - pair, ATTENTION_HEADS);
#endif
        if (sizes->whole) {
            attention_whole_heads(y, maximums, sums, q, k, v, pair, heads, sizes);
        } else {
            attention_any_heads(y, maximums, sums, q, k, v, pair, heads, sizes);
        }
    }
}

void causal_attention(float *restrict y, float *restrict maximums,
                      float *restrict sums,
                      const float *restrict q, const float *restrict k,
                      const float *restrict v, int row, int sequences, int heads,
#if MODEL_TAKES_DOCUMENTS
                      int length, int depth, float scale, double rate, uint64_t key,
                      const int32_t *beginnings) {
#else
                      int length, int depth, float scale, double rate, uint64_t key) {
#endif
    attention_sizes sizes = attention_sizes_of(sequences, heads, length, depth, length,
                                               scale, rate, key);
    sizes.inputs = attention_head_strides(length, depth, row);
    sizes.outputs = attention_head_strides(length, depth, heads * depth);
#if MODEL_TAKES_DOCUMENTS
    sizes.beginnings = beginnings;
#endif
    attention_heads(y, maximums, sums, q, k, v, &sizes);
}

void causal_attention_after(float *y, float *restrict maximums,
                            float *restrict sums, const float *q,
                            const float *k, const float *v, int row, int sequences,
                            int heads, int past, int length, int depth, float scale,
#if MODEL_TAKES_DOCUMENTS
                            double rate, uint64_t key,
                            const int32_t *beginnings) {
#else
                            double rate, uint64_t key) {
#endif
    int whole = past + length;
    size_t before = (size_t)past * row;
    attention_sizes sizes = attention_sizes_of(sequences, heads, whole, depth, whole, scale,
                                               rate, key);
    sizes.inputs = attention_head_strides(whole, depth, row);
    sizes.outputs = attention_head_strides(whole, depth, heads * depth);
    sizes.first = past - past % LANES;
#if MODEL_TAKES_DOCUMENTS
    sizes.beginnings = beginnings;
#endif
    attention_heads(y - (size_t)past * sizes.outputs.row, maximums, sums, q - before,
                    k - before, v - before, &sizes);
}
