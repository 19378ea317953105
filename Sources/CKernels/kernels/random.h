// random.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_RANDOM_H
#define KERNEL_RANDOM_H

#include "base.h"
#include "scalar_math.h"
#include "vector_math.h"

// Random numbers without state. A step's seed and a stream's number make a key; element i of
// that stream is a hash of (key, i). Masks are therefore recomputed, never stored, and do not
// depend on the order or the thread in which elements are visited.

// The key of one stream: splitmix64 of seed and stream.
KERNEL inline uint64_t random_key(uint64_t seed, uint64_t stream) {
    uint64_t z = seed + (stream + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// The key under which element i is element first + i of the other.
KERNEL inline uint64_t key_from(uint64_t key, uint32_t first) {
    return (key & 0xffffffff00000000u) | ((uint32_t)key + first);
}

// 32 random bits for element i. The second half of the key enters between the two rounds.
KERNEL inline uint32_t random_bits(uint64_t key, uint32_t i) {
    uint32_t x = i + (uint32_t)key;
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= (uint32_t)(key >> 32);
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

// random_bits of many elements at once.
INLINE words random_lanes(uint64_t key, words i) {
    words x = i + (uint32_t)key;
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= (uint32_t)(key >> 32);
    x ^= x >> 15;
    x *= 0x846ca68bu;
    x ^= x >> 16;
    return x;
}

// Uniform in (0, 1), both ends excluded: the centres of 2^23 equal intervals.
KERNEL inline float random_uniform(uint64_t key, uint32_t i) {
    float whole = (float)(int32_t)(random_bits(key, i) >> 9);
    return (whole + 0.5f) * 1.1920929e-7f;
}

// Standard normal, by Box and Muller, from the uniforms 2i and 2i + 1.
KERNEL inline float random_normal(uint64_t key, uint32_t i) {
    float radius = sqrtf(-2.0f * log_f(random_uniform(key, 2 * i)));
    return radius * cos_turns_f(random_uniform(key, 2 * i + 1));
}

// An element is dropped when its bits are below this: rate * 2^32.
KERNEL inline uint32_t dropout_threshold(double rate) {
    return rate < 1.0 ? (uint32_t)(rate * 4294967296.0) : 0xffffffffu;
}

// What kept elements are multiplied by, so that the expectation stays; 0 if nothing is kept.
KERNEL inline float dropout_scale(double rate) {
    return rate < 1.0 ? (float)(1.0 / (1.0 - rate)) : 0.0f;
}

// The factor of element i: 0 with probability `rate`, otherwise 1 / (1 - rate). Compilers take
// the question whether there is dropout at all out of a loop: evaluation draws no numbers.
KERNEL inline float dropout_keep(uint64_t key, uint32_t i, double rate) {
    if (rate <= 0) { return 1; }
    return random_bits(key, i) >= dropout_threshold(rate) ? dropout_scale(rate) : 0.0f;
}

#endif
