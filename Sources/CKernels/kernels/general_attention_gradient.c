// general_attention_gradient.c: a kernel of moec's, the same for every model.

#include "general_attention_gradient.h"
#include "attention_head_gradient.h"
#include "threads.h"

// Where all tiles are whole, and where they need not be.
OUTLINE void general_attention_whole_gradient(attention_pointers all, int pair,
                                              const attention_sizes *sizes) {
    attention_sizes own = *sizes;
    own.whole = 1;
    attention_head_gradient(all, pair, &own);
}

OUTLINE void general_attention_any_gradient(attention_pointers all, int pair,
                                            const attention_sizes *sizes) {
    attention_sizes own = *sizes;
    own.whole = 0;
    attention_head_gradient(all, pair, &own);
}

// A thread has all heads that read the same keys: it adds up their gradients in order.
void general_attention_gradient(float *restrict d_q, float *restrict d_k,
                                float *restrict d_v, const float *restrict d_y,
                                const float *restrict y, const float *restrict q,
                                const float *restrict k, const float *restrict v,
                                const float *restrict maximums, const float *restrict sums,
                                int sequences, int heads, int length, int depth, float scale,
                                double rate, uint64_t key, const attention_form *form) {
    attention_sizes sizes = attention_sizes_of_form(sequences, heads, length, depth, scale,
                                                    rate, key, form);
    attention_pointers at = {d_q, d_k, d_v, d_y, y, q, k, v, maximums, sums};
    #pragma omp parallel if ((size_t)sequences * heads * length * depth > 4096)
    FOR_OWN(keys, sequences * form->key_heads) {
        for (int pair = keys * sizes.group; pair < (keys + 1) * sizes.group; pair++) {
            if (sizes.whole) {
                general_attention_whole_gradient(at, pair, &sizes);
            } else {
                general_attention_any_gradient(at, pair, &sizes);
            }
        }
    }
}
