// attention_gradient.c: a kernel of moec's, the same for every model.

#include "attention_gradient.h"
#include "attention_head_gradient.h"
#include "threads.h"

// The same where all tiles are whole, and where they need not be.
OUTLINE void attention_whole_gradient(attention_pointers all, int pair,
                                      const attention_sizes *sizes) {
    attention_sizes own = attention_plain(sizes, 1);
    attention_head_gradient(all, pair, &own);
}

OUTLINE void attention_any_gradient(attention_pointers all, int pair,
                                    const attention_sizes *sizes) {
    attention_sizes own = attention_plain(sizes, 0);
    attention_head_gradient(all, pair, &own);
}

static inline void attention_heads_gradient(attention_pointers all,
                                            const attention_sizes *sizes) {
    int pairs = sizes->sequences * sizes->heads;
    #pragma omp parallel if ((size_t)pairs * sizes->length * sizes->depth > 4096)
    FOR_OWN(pair, pairs) {
        if (sizes->whole) {
            attention_whole_gradient(all, pair, sizes);
        } else {
            attention_any_gradient(all, pair, sizes);
        }
    }
}

void causal_attention_gradient(float *restrict d_q, float *restrict d_k,
                               float *restrict d_v, const float *restrict d_y,
                               const float *restrict y, const float *restrict q,
                               const float *restrict k, const float *restrict v,
                               const float *restrict maximums,
                               const float *restrict sums, int row, int d_row,
                               int sequences, int heads, int length, int depth,
#if MODEL_TAKES_DOCUMENTS
                               float scale, double rate, uint64_t key,
                               const int32_t *beginnings) {
#else
                               float scale, double rate, uint64_t key) {
#endif
    attention_sizes sizes = attention_sizes_of(sequences, heads, length, depth, length,
                                               scale, rate, key);
    sizes.inputs = attention_head_strides(length, depth, row);
    sizes.outputs = attention_head_strides(length, depth, heads * depth);
    sizes.gradients = attention_head_strides(length, depth, d_row);
#if MODEL_TAKES_DOCUMENTS
    sizes.beginnings = beginnings;
#endif
    attention_pointers at = {d_q, d_k, d_v, d_y, y, q, k, v, maximums, sums};
    attention_heads_gradient(at, &sizes);
}
