// attention_sinks.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_ATTENTION_SINKS_H
#define KERNEL_ATTENTION_SINKS_H

#include "threads.h"
#include "vector_math.h"

// Gradient of attention's sinks, from its output y and the maximums and sums it kept.
//
//   d_sinks[h] = -sum over s, t of p[s, h, t] <d_y[s, t, h], y[s, t, h]>
//   p = e^(sinks[h] - maximum) / sum, the sink's weight; maximums are times log2(e)
//
//   d_y, y [sequences, length, heads * depth]    maximums, sums [sequences, heads, length]
//
// A head's sum is one thread's, position by position.
KERNEL void attention_sink_gradient(float *restrict d_sinks, const float *restrict d_y,
                                    const float *restrict y, const float *restrict sinks,
                                    const float *restrict maximums,
                                    const float *restrict sums, int sequences, int heads,
                                    int length, int depth) {
    #pragma omp parallel if ((size_t)sequences * heads * length * depth > 4096)
    FOR_OWN(h, heads) {
        floats sink = floats_all(sinks[h] * LOG2_E), sum = {0};
        for (int n = 0; n < sequences * length; n++) {
            int s = n / length, t = n % length;
            size_t at = ((size_t)n * (size_t)heads + (size_t)h) * (size_t)depth;
            size_t row = ((size_t)s * (size_t)heads + (size_t)h) * (size_t)length + (size_t)t;
            floats delta = {0};
            for (int c = 0; c < depth; c += LANES) {
                delta = floats_multiply_add(floats_load_some(d_y + at + c, depth - c),
                                            floats_load_some(y + at + c, depth - c), delta);
            }
            floats p = floats_exp2(sink - floats_all(maximums[row])) / floats_all(sums[row]);
            sum = floats_multiply_add(p, delta, sum);
        }
        d_sinks[h] = -floats_sum(sum);
    }
}

#endif
