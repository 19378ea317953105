// The random numbers with which `moec run` draws batches: functions of the run's seed, a purpose, an
// index (the step, or the character that is written) and n alone.
#include <stdint.h>

enum { FIRST_PARAMETERS = 1, BATCH = 2, STEP = 3, TEXT = 7, NOISE_OF_TEXT = 8 };  // purposes
static const uint64_t golden = 0x9e3779b97f4a7c15;
static uint64_t mix(uint64_t x) {
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9, x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}
// Number n of a stream: mix(key + (n + 1) golden), where key mixes seed, purpose, index and 0 in turn.
static uint64_t draw(uint64_t seed, uint64_t purpose, int index, int n) {
    uint64_t key = mix(mix(mix(seed + golden) ^ mix(purpose + golden)) ^ mix((uint64_t)index + golden));
    return mix(mix(key ^ mix(golden)) + ((uint64_t)n + 1) * golden);
}
