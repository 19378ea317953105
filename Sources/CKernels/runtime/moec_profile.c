// moec_profile.c: records the calls of the first thread, one after the other. Where every thread makes
// a call for a part of the batch, its time is that of the first thread's part.
#define _POSIX_C_SOURCE 199309L
#include "kernels/threads.h"
#include "moec_profile.h"

#include <time.h>

static moec_profile_event *events;
static int64_t capacity, count, begun;

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void moec_profile_record(moec_profile_event *place, int64_t size) {
    events = place;
    capacity = size;
    count = 0;
}

int64_t moec_profile_count(void) { return count; }

void moec_profile_begin(int site) {
    (void)site;
    if (omp_get_thread_num() == 0) { begun = now(); }
}

void moec_profile_end(int site) {
    if (omp_get_thread_num() != 0) { return; }
    int64_t ended = now();
    if (events && count < capacity) {
        events[count] = (moec_profile_event){site, begun, ended};
    }
    count++;
}
