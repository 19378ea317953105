// threads.c: the exchange between threads of one process. A rank publishes where its words lie; when all have, each
// copies what comes to it, and when all have copied, the exchange has ended.
#include "group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Ends a call. After a failure the caller may free its buffers: nobody reads them any more then.
static int unlock(ranks_group *group, int result) {
    while (result && group->copying) pthread_cond_wait(&group->changed, &group->lock);
    pthread_mutex_unlock(&group->lock);
    return result;
}

// Sleeps until something changes, after a short look whether it does so at once.
static void pause_until_change(ranks_group *group, size_t version) {
    if (group->spins) {
        pthread_mutex_unlock(&group->lock);
        for (int turn = 0; turn < 1000 && atomic_load_explicit(&group->version, memory_order_relaxed) == version; turn++) {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            __asm__ volatile("yield");
#endif
        }
        pthread_mutex_lock(&group->lock);
    }
    while (atomic_load(&group->version) == version) pthread_cond_wait(&group->changed, &group->lock);
}

static int start_locked(member *self, int ticket, offer offer) {
    ranks_group *group = self->group;
    if (atomic_load(&group->has_failed) || ranks_check_start(group, self, ticket, &offer) ||
        ranks_check_record(group, self, offer.kind, ticket)) {
        return 1;
    }
    self->started++;
    part *part = &self->parts[ticket];
    part->is_under_way = true;
    part->is_copied = false;
    part->end += (size_t)group->count;
    group->offers[ticket][self->exchange.rank] = offer;
    if (++group->published[ticket] < part->end) return 0;
    if (ranks_check_sizes(group, ticket, &group->records[self->started % RECORDS])) return 1;
    ranks_announce(group);
    return 0;
}

static int start(member *self, int ticket, offer offer) {
    pthread_mutex_lock(&self->group->lock);
    return unlock(self->group, start_locked(self, ticket, offer));
}

static int start_all_to_all(void *context, int ticket, const void *send, const size_t *send_start, void *receive,
                            const size_t *receive_start) {
    return start(context, ticket, (offer){ALL_TO_ALL, send, send_start, receive, receive_start});
}

static int start_all_gather(void *context, int ticket, void *buffer, const size_t *places) {
    return start(context, ticket, (offer){ALL_GATHER, buffer, places, buffer, places});
}

// Copies what comes to a rank, from itself too unless it lies there already.
static void copy(const member *self, const offer *offers) {
    int rank = self->exchange.rank;
    const offer *own = &offers[rank];
    for (int turn = 0; turn < self->group->count; turn++) {
        // Each begins elsewhere, so that not all read one rank's memory at a time.
        int from = (rank + turn) % self->group->count;
        size_t place = own->receive_start[from], words = own->receive_start[from + 1] - place;
        bool is_gathered = own->kind == ALL_GATHER;
        if (words == 0 || (is_gathered && from == rank)) continue;
        size_t source = offers[from].send_start[is_gathered ? from : rank];
        memcpy(own->receive + place * WORD, offers[from].send + source * WORD, words * WORD);
    }
}

// Copies what can be copied of all exchanges under way: ranks may wait for theirs in different orders.
static void get_on(member *self) {
    ranks_group *group = self->group;
    for (int ticket = 0; ticket < MOEC_TICKETS; ticket++) {
        part *part = &self->parts[ticket];
        if (atomic_load(&group->has_failed)) return;
        if (!part->is_under_way || part->is_copied || group->published[ticket] < part->end) continue;
        group->copying++;
        pthread_mutex_unlock(&group->lock);
        copy(self, group->offers[ticket]);
        pthread_mutex_lock(&group->lock);
        group->copying--;
        part->is_copied = true;
        if (++group->copied[ticket] == part->end || atomic_load(&group->has_failed)) ranks_announce(group);
    }
}

static int wait_locked(member *self, int ticket) {
    ranks_group *group = self->group;
    if (ticket < 0 || ticket >= MOEC_TICKETS || !self->parts[ticket].is_under_way) {
        return ranks_fail(group, -1, "rank %d waits for ticket %d, which is not under way", self->exchange.rank, ticket);
    }
    for (;;) {
        // Asked first: get_on lets others in while it copies.
        size_t version = atomic_load(&group->version);
        get_on(self);
        if (atomic_load(&group->has_failed)) return 1;
        if (group->copied[ticket] >= self->parts[ticket].end) break;
        pause_until_change(group, version);
    }
    self->parts[ticket].is_under_way = false;
    return 0;
}

static int wait_for(void *context, int ticket) {
    member *self = context;
    pthread_mutex_lock(&self->group->lock);
    return unlock(self->group, wait_locked(self, ticket));
}

static int poll_all(void *context) {
    member *self = context;
    pthread_mutex_lock(&self->group->lock);
    get_on(self);
    return unlock(self->group, atomic_load(&self->group->has_failed));
}

static bool make_members(ranks_group *group) {
    size_t count = (size_t)group->count;
    group->members = calloc(count, sizeof *group->members);
    if (!group->members) return false;
    for (int ticket = 0; ticket < MOEC_TICKETS; ticket++) {
        group->offers[ticket] = calloc(count, sizeof(offer));
        if (!group->offers[ticket]) return false;
    }
    for (int rank = 0; rank < group->count; rank++) {
        member *member = &group->members[rank];
        member->group = group;
        member->exchange =
            (moec_exchange){member, rank, group->count, start_all_to_all, start_all_gather, wait_for, poll_all};
    }
    return true;
}

static void free_memory(ranks_group *group) {
    for (int ticket = 0; ticket < MOEC_TICKETS; ticket++) free(group->offers[ticket]);
    free(group->members);
    free(group);
}

ranks_group *ranks_create(int count) {
    ranks_group *group = count < 1 ? NULL : calloc(1, sizeof *group);
    if (!group) return NULL;
    group->count = count;
    // With fewer processors than ranks, whoever is waited for may need this one.
    group->spins = sysconf(_SC_NPROCESSORS_ONLN) >= count;
    if (!make_members(group) || pthread_mutex_init(&group->lock, NULL)) {
        free_memory(group);
        return NULL;
    }
    if (pthread_cond_init(&group->changed, NULL)) {
        pthread_mutex_destroy(&group->lock);
        free_memory(group);
        return NULL;
    }
    return group;
}

const moec_exchange *ranks_exchange(const ranks_group *group, int rank) {
    return rank < 0 || rank >= group->count ? NULL : &group->members[rank].exchange;
}

void ranks_abort(ranks_group *group, int rank, const char *reason) {
    pthread_mutex_lock(&group->lock);
    unlock(group, ranks_fail(group, rank, "%s", reason));
}

void ranks_leave(ranks_group *group, int rank) {
    pthread_mutex_lock(&group->lock);
    member *self = &group->members[rank];
    self->has_left = true;
    for (int ticket = 0; ticket < MOEC_TICKETS; ticket++) {
        if (!self->parts[ticket].is_under_way) continue;
        ranks_fail(group, -1, "rank %d ended while its exchange with ticket %d was under way", rank, ticket);
    }
    for (int r = 0; r < group->count; r++) {
        if (group->members[r].started <= self->started) continue;
        ranks_fail(group, -1, "rank %d ended before exchange %zu, which rank %d has started", rank, self->started + 1, r);
    }
    unlock(group, atomic_load(&group->has_failed));
}

int ranks_failure(ranks_group *group, char *reason, size_t size) {
    pthread_mutex_lock(&group->lock);
    bool has_failed = atomic_load(&group->has_failed);
    if (size) snprintf(reason, size, "%s", has_failed ? group->reason : "");
    int origin = has_failed ? group->origin : -2;
    pthread_mutex_unlock(&group->lock);
    return origin;
}

void ranks_free(ranks_group *group) {
    if (!group) return;
    pthread_mutex_destroy(&group->lock);
    pthread_cond_destroy(&group->changed);
    free_memory(group);
}
