// moec_profile.h: when each kernel call began and ended, in libraries made by `moec bench`.
#ifndef MOEC_PROFILE_H
#define MOEC_PROFILE_H

#include <stdint.h>

// One call; times in nanoseconds of the monotonic clock.
typedef struct {
    int64_t site, begin, end;
} moec_profile_event;

// From now on calls are written to events, until there are `capacity` of them.
void moec_profile_record(moec_profile_event *events, int64_t capacity);

// How many calls there were since, those beyond the capacity included.
int64_t moec_profile_count(void);

void moec_profile_begin(int site);
void moec_profile_end(int site);

#endif
