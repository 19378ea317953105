// agreement.c: what ranks ask of each other must be the same on all. Where it is not, all of them hear what differs.
#include "group.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

static const char *const kind_names[] = {"all_to_all", "all_gather"};

void ranks_announce(ranks_group *group) {
    atomic_fetch_add(&group->version, 1);
    pthread_cond_broadcast(&group->changed);
}

int ranks_fail(ranks_group *group, int origin, const char *format, ...) {
    if (atomic_load(&group->has_failed)) return 1;
    va_list values;
    va_start(values, format);
    vsnprintf(group->reason, sizeof group->reason, format, values);
    va_end(values);
    group->origin = origin;
    atomic_store(&group->has_failed, true);
    ranks_announce(group);
    return 1;
}

// Whether pieces of words begin at these places, and can be counted in bytes.
static bool are_places(const void *words, const size_t *start, int count) {
    if (!start) return false;
    for (int r = 0; r < count; r++) {
        if (start[r] > start[r + 1]) return false;
    }
    return start[count] <= SIZE_MAX / WORD && (words || start[count] == start[0]);
}

int ranks_check_start(ranks_group *group, const member *self, int ticket, const offer *offer) {
    int rank = self->exchange.rank;
    if (ticket < 0 || ticket >= MOEC_TICKETS) {
        return ranks_fail(group, -1, "rank %d starts an exchange with ticket %d, which there is not", rank, ticket);
    }
    if (self->parts[ticket].is_under_way) {
        return ranks_fail(group, -1, "rank %d starts an exchange with ticket %d, which is under way", rank, ticket);
    }
    if (!are_places(offer->send, offer->send_start, group->count) ||
        !are_places(offer->receive, offer->receive_start, group->count)) {
        return ranks_fail(group, -1, "rank %d starts an exchange whose places are not there or do not ascend", rank);
    }
    return 0;
}

int ranks_check_record(ranks_group *group, const member *self, int kind, int ticket) {
    int rank = self->exchange.rank;
    size_t number = self->started + 1;
    record *known = &group->records[number % RECORDS];
    if (known->number != number) {
        *known = (record){number, kind, ticket, rank};
    } else if (known->kind != kind || known->ticket != ticket) {
        return ranks_fail(group, -1,
                          "rank %d starts %s with ticket %d where rank %d starts %s with ticket %d (exchange %zu)", rank,
                          kind_names[kind], ticket, known->rank, kind_names[known->kind], known->ticket, number);
    }
    for (int r = 0; r < group->count; r++) {
        if (!group->members[r].has_left || group->members[r].started >= number) continue;
        return ranks_fail(group, -1, "rank %d ended before exchange %zu, which rank %d starts", r, number, rank);
    }
    return 0;
}

int ranks_check_sizes(ranks_group *group, int ticket, const record *record) {
    const offer *offers = group->offers[ticket];
    for (int to = 0; to < group->count; to++) {
        for (int from = 0; from < group->count; from++) {
            // Each rank gives the others one piece, its own, of an all_gather.
            int piece = record->kind == ALL_TO_ALL ? to : from;
            size_t sent = offers[from].send_start[piece + 1] - offers[from].send_start[piece];
            size_t expected = offers[to].receive_start[from + 1] - offers[to].receive_start[from];
            if (sent == expected) continue;
            return ranks_fail(group, -1, "rank %d sends %zu words where rank %d expects %zu (exchange %zu, %s, ticket %d)",
                              from, sent, to, expected, record->number, kind_names[record->kind], ticket);
        }
    }
    return 0;
}
