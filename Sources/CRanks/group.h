// group.h: what ranks that are threads of one process have in common.
#ifndef GROUP_H
#define GROUP_H

#include "CRanks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { WORD = 4, ALL_TO_ALL = 0, ALL_GATHER = 1 };

// No rank starts more than MOEC_TICKETS exchanges that another has not started, so that twice as many records are enough.
enum { RECORDS = 2 * MOEC_TICKETS };

// Where one rank's words of an exchange lie.
typedef struct {
    int kind;
    const char *send;
    const size_t *send_start;
    char *receive;
    const size_t *receive_start;
} offer;

// One rank's part in the exchange of a ticket.
typedef struct {
    bool is_under_way, is_copied;
    size_t end;  // what published and copied of the ticket are when all ranks have done either
} part;

typedef struct {
    moec_exchange exchange;
    ranks_group *group;
    size_t started;  // exchanges of any ticket
    bool has_left;
    part parts[MOEC_TICKETS];
} member;

// The exchange number `number`, counted from 1, as the rank says that started it first.
typedef struct {
    size_t number;
    int kind, ticket, rank;
} record;

// Everything here is read and written under the lock, but for `version` and `has_failed`, which are only read without.
struct ranks_group {
    int count;
    bool spins;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    atomic_size_t version;  // grows whenever someone may have to go on
    atomic_bool has_failed;
    int origin;
    char reason[400];
    int copying;  // ranks that read others' buffers now
    record records[RECORDS];
    size_t published[MOEC_TICKETS], copied[MOEC_TICKETS];  // by how many ranks, over all exchanges of a ticket
    offer *offers[MOEC_TICKETS];                           // [count] each
    member *members;                                       // [count]
};

// Wakes all that wait.
void ranks_announce(ranks_group *group);

// Lets the group fail, because of a rank or, with -1, as ranks disagree. The first failure is the one that is told.
// Returns 1.
int ranks_fail(ranks_group *group, int origin, const char *format, ...) __attribute__((format(printf, 3, 4)));

// Each of these returns 0 if all is well, and lets the group fail if not: whether an exchange can be started by a rank;
// whether those that came before did the same as their exchange of this number; whether each rank expects what the
// others send, which is known when all have published.
int ranks_check_start(ranks_group *group, const member *self, int ticket, const offer *offer);
int ranks_check_record(ranks_group *group, const member *self, int kind, int ticket);
int ranks_check_sizes(ranks_group *group, int ticket, const record *record);

#endif
