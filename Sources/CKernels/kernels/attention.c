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
    int pairs = sizes->sequences * sizes->heads;
    #pragma omp parallel if ((size_t)pairs * sizes->length * sizes->depth > 4096)
    FOR_OWN(block, blocks_of(pairs, ATTENTION_HEADS)) {
        int pair = block * ATTENTION_HEADS;
        int heads = smaller(pairs - pair, ATTENTION_HEADS);
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
                      int length, int depth, float scale, double rate, uint64_t key) {
    attention_sizes sizes = attention_sizes_of(sequences, heads, length, depth, length,
                                               scale, rate, key);
    sizes.inputs = attention_head_strides(length, depth, row);
    sizes.outputs = attention_head_strides(length, depth, heads * depth);
    attention_heads(y, maximums, sums, q, k, v, &sizes);
}

void causal_attention_after(float *y, float *restrict maximums,
                            float *restrict sums, const float *q,
                            const float *k, const float *v, int row, int sequences,
                            int heads, int past, int length, int depth, float scale,
                            double rate, uint64_t key) {
    int whole = past + length;
    size_t before = (size_t)past * row;
    attention_sizes sizes = attention_sizes_of(sequences, heads, whole, depth, whole, scale,
                                               rate, key);
    sizes.inputs = attention_head_strides(whole, depth, row);
    sizes.outputs = attention_head_strides(whole, depth, heads * depth);
    sizes.first = past - past % LANES;
    attention_heads(y - (size_t)past * sizes.outputs.row, maximums, sums, q - before,
                    k - before, v - before, &sizes);
}
