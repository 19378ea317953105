// The random numbers with which `moec run` draws batches: functions of the run's seed, a purpose,
// an index (the step, or the character that is written) and n alone.
#include <stdint.h>

enum { FIRST_PARAMETERS = 1, BATCH = 2, STEP = 3, TEXT = 7, NOISE_OF_TEXT = 8 };  // purposes
static const uint64_t golden = 0x9e3779b97f4a7c15;
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9, x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}
// Number n of a stream: mix(key + (n + 1) golden); key mixes seed, purpose, index and 0 in turn.
static uint64_t draw(uint64_t seed, uint64_t purpose, int index, int n) {
    const uint64_t words[] = {purpose, (uint64_t)index, 0};
    uint64_t key = mix(seed + golden);
    for (int i = 0; i < 3; i++) { key = mix(key ^ mix(words[i] + golden)); }
    return mix(key + ((uint64_t)n + 1) * golden);
}

// A number in 0 ..< bound: the high half of a product.
static int below(int bound, uint64_t number) {
    return (int)((unsigned __int128)bound * number >> 64);
}
