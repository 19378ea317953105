// check.h: what checks of kernels are made of. Every result is compared with a plain loop in double precision.
#ifndef CHECK_H
#define CHECK_H

#include "vector.h"

#include <stdio.h>
#include <stdlib.h>

// How many comparisons were made, and how many did not hold; the first few are printed.
static long compared, failed;

OUTLINE void report(int holds, const char *text, const char *file, int line) {
    compared++;
    if (holds) { return; }
    failed++;
    if (failed <= 20) { printf("%s:%d: %s\n", file, line, text); }
}

#define CHECK(condition) report((condition) != 0, #condition, __FILE__, __LINE__)

// Equal, or both NaN.
#define EQUAL(got, wanted) report_close(got, wanted, 0, #got, __FILE__, __LINE__)

// As far apart as `tolerance` at most.
#define CLOSE(got, wanted, tolerance)                                                       \
    report_close(got, wanted, tolerance, #got, __FILE__, __LINE__)

OUTLINE void report_close(double got, double wanted, double tolerance, const char *text,
                          const char *file, int line) {
    char message[200];
    int holds = isnan(wanted) ? isnan(got)
                              : got == wanted || fabs(got - wanted) <= tolerance;
    if (!holds) { snprintf(message, sizeof message, "%s is %.9g, not %.9g", text, got, wanted); }
    report(holds, holds ? "" : message, file, line);
}

// ---- memory ----------------------------------------------------------------------------------

// All that a check works on, given back by `release`. What is written beside it is found by a
// sanitizer, which also sees what is read there, or by bytes on both sides.
#define MOST_BUFFERS 64
#if defined(CHECKED_BUILD)
#define GUARD 0
#else
#define GUARD 68  // so that floats lie at any address
#endif

static struct {
    unsigned char *start;
    size_t bytes;
} buffers[MOST_BUFFERS];
static int buffer_count;

OUTLINE void *room(size_t bytes) {
    unsigned char *start = malloc(bytes + 2 * GUARD);
    if (!start || buffer_count == MOST_BUFFERS) { abort(); }
    memset(start, 0xa5, bytes + 2 * GUARD);
    buffers[buffer_count].start = start;
    buffers[buffer_count++].bytes = bytes;
    return start + GUARD;
}

OUTLINE void release(void) {
    for (int b = 0; b < buffer_count; b++) {
        unsigned char *start = buffers[b].start;
        for (size_t i = 0; i < GUARD; i++) {
            CHECK(start[i] == 0xa5 && start[GUARD + buffers[b].bytes + i] == 0xa5);
        }
        free(start);
    }
    buffer_count = 0;
}

// ---- numbers ---------------------------------------------------------------------------------

static uint64_t drawn;

OUTLINE uint32_t draw(void) {
    drawn += 0x9e3779b97f4a7c15u;
    uint64_t z = (drawn ^ (drawn >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

static int draw_below(int count) { return (int)(draw() % (uint32_t)count); }

// In -1 ..< 1.
static float draw_float(void) { return (float)((int32_t)draw() >> 8) / 8388608.0f; }

OUTLINE float *numbers(int count) {
    float *x = room(sizeof *x * (size_t)count);
    for (int i = 0; i < count; i++) { x[i] = draw_float(); }
    return x;
}

// Floats that are to be written: all NaN.
OUTLINE float *blank(int count) {
    float *x = room(sizeof *x * (size_t)count);
    for (int i = 0; i < count; i++) { x[i] = NAN; }
    return x;
}

OUTLINE float *copy_of(const float *x, int count) {
    float *y = room(sizeof *y * (size_t)count);
    memcpy(y, x, sizeof *y * (size_t)count);
    return y;
}

OUTLINE int32_t *integers(int count, int below) {
    int32_t *x = room(sizeof *x * (size_t)count);
    for (int i = 0; i < count; i++) { x[i] = draw_below(below); }
    return x;
}

// Sizes around those of vectors.
static const int sizes[] = {0, 1, LANES - 1, LANES, LANES + 1, 2 * LANES + 3, 61};

#define FOR_SIZES(n, first)                                                                 \
    for (size_t n##_at = first; n##_at < sizeof sizes / sizeof *sizes; n##_at++)            \
        for (int n = sizes[n##_at], n##_once = 1; n##_once; n##_once = 0)

#endif
