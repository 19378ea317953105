// transport_mpi.c: the exchange between processes under MPI. moec compiles it with mpicc when it is first needed, as only
// that knows the MPI of this machine, and loads what comes of it. No call here is newer than MPI 3.1.
#include "moec_model.h"

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 200 };  // looks at an exchange before others may have the processor

// Where the pieces of an exchange under way lie, as MPI counts them.
typedef struct {
    int is_under_way;
    int *send_counts, *send_places, *receive_counts, *receive_places;  // [ranks] each, in one allocation
} ticket_state;

static MPI_Comm everyone = MPI_COMM_NULL;
static MPI_Request requests[MOEC_TICKETS];
static ticket_state tickets[MOEC_TICKETS];
static moec_exchange exchange;
static char reason[MPI_MAX_ERROR_STRING + 100];

// The result of an MPI call, and its words if it failed.
static int checked(const char *call, int result) {
    if (result == MPI_SUCCESS) return 0;
    char text[MPI_MAX_ERROR_STRING + 1] = "";
    int length = 0;
    MPI_Error_string(result, text, &length);
    snprintf(reason, sizeof reason, "%s: %s", call, text);
    return 1;
}

// MPI counts words in an int.
static int take_pieces(const size_t *start, int *counts, int *places) {
    for (int r = 0; r < exchange.ranks; r++) {
        if (start[r] > start[r + 1] || start[r + 1] > INT_MAX) {
            snprintf(reason, sizeof reason, "words %zu ..< %zu for rank %d: MPI counts up to %d in one exchange", start[r],
                     start[r + 1], r, INT_MAX);
            return 1;
        }
        counts[r] = (int)(start[r + 1] - start[r]);
        places[r] = (int)start[r];
    }
    return 0;
}

static int is_free(int ticket) {
    if (ticket >= 0 && ticket < MOEC_TICKETS && !tickets[ticket].is_under_way) return 1;
    snprintf(reason, sizeof reason, "an exchange is started with ticket %d, which is not free", ticket);
    return 0;
}

static int all_to_all(void *context, int ticket, const void *send, const size_t *send_start, void *receive,
                      const size_t *receive_start) {
    (void)context;
    if (!is_free(ticket)) return 1;
    ticket_state *state = &tickets[ticket];
    if (take_pieces(send_start, state->send_counts, state->send_places) ||
        take_pieces(receive_start, state->receive_counts, state->receive_places) ||
        checked("MPI_Ialltoallv",
                MPI_Ialltoallv(send, state->send_counts, state->send_places, MPI_INT32_T, receive, state->receive_counts,
                               state->receive_places, MPI_INT32_T, everyone, &requests[ticket]))) {
        return 1;
    }
    state->is_under_way = 1;
    return 0;
}

static int all_gather(void *context, int ticket, void *buffer, const size_t *start) {
    (void)context;
    if (!is_free(ticket)) return 1;
    ticket_state *state = &tickets[ticket];
    if (take_pieces(start, state->receive_counts, state->receive_places) ||
        checked("MPI_Iallgatherv",
                MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_INT32_T, buffer, state->receive_counts, state->receive_places,
                                MPI_INT32_T, everyone, &requests[ticket]))) {
        return 1;
    }
    state->is_under_way = 1;
    return 0;
}

static int wait_for(void *context, int ticket) {
    (void)context;
    if (ticket < 0 || ticket >= MOEC_TICKETS || !tickets[ticket].is_under_way) {
        snprintf(reason, sizeof reason, "ticket %d is waited for, which is not under way", ticket);
        return 1;
    }
    // Not MPI_Wait: some never let the processor go, which the rank that is waited for may need. One that has ended in a
    // poll is no request any more, and ends here at once.
    for (int patience = PATIENCE, has_ended = 0; !has_ended;) {
        if (patience > 0) patience--;
        else sched_yield();
        if (checked("MPI_Test", MPI_Test(&requests[ticket], &has_ended, MPI_STATUS_IGNORE))) return 1;
    }
    tickets[ticket].is_under_way = 0;
    return 0;
}

static int poll_all(void *context) {
    (void)context;
    int count, ended[MOEC_TICKETS];
    MPI_Status statuses[MOEC_TICKETS];
    return checked("MPI_Testsome", MPI_Testsome(MOEC_TICKETS, requests, &count, ended, statuses));
}

static int make_tickets(int ranks) {
    size_t count = (size_t)ranks;
    for (int ticket = 0; ticket < MOEC_TICKETS; ticket++) {
        int *numbers = calloc(4 * count, sizeof *numbers);
        if (!numbers) {
            snprintf(reason, sizeof reason, "there is no memory for %d ranks", ranks);
            return 1;
        }
        requests[ticket] = MPI_REQUEST_NULL;
        tickets[ticket] = (ticket_state){0, numbers, numbers + count, numbers + 2 * count, numbers + 3 * count};
    }
    return 0;
}

/// Which MPI this is, in its own words, on one line; may be asked before moec_mpi_open. NULL if it does not tell.
MOEC_EXPORT const char *moec_mpi_library(void) {
    static char text[MPI_MAX_LIBRARY_VERSION_STRING + 1];
    int length = 0;
    if (MPI_Get_library_version(text, &length) != MPI_SUCCESS) return NULL;
    text[strcspn(text, "\r\n")] = 0;
    return text;
}

/// What failed in the last call that did.
MOEC_EXPORT const char *moec_mpi_error(void) { return reason; }

/// Joins the others, once in a process and from the thread that then makes all calls; NULL if that fails.
MOEC_EXPORT const moec_exchange *moec_mpi_open(void) {
    int given = 0, rank = 0, ranks = 0;
    if (checked("MPI_Init_thread", MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &given))) return NULL;
    if (given < MPI_THREAD_FUNNELED) {
        snprintf(reason, sizeof reason, "this MPI was built for processes without threads");
        return NULL;
    }
    if (checked("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN)) ||
        checked("MPI_Comm_dup", MPI_Comm_dup(MPI_COMM_WORLD, &everyone)) ||
        checked("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(everyone, MPI_ERRORS_RETURN)) ||
        checked("MPI_Comm_rank", MPI_Comm_rank(everyone, &rank)) ||
        checked("MPI_Comm_size", MPI_Comm_size(everyone, &ranks)) || make_tickets(ranks)) {
        return NULL;
    }
    exchange = (moec_exchange){NULL, rank, ranks, all_to_all, all_gather, wait_for, poll_all};
    return &exchange;
}

/// Ends all processes, this one too.
MOEC_EXPORT void moec_mpi_abort(int code) {
    MPI_Abort(MPI_COMM_WORLD, code);
    _Exit(code);
}

/// Waits for the others, and takes leave of them; nothing may be called afterwards.
MOEC_EXPORT int moec_mpi_close(void) {
    return checked("MPI_Comm_free", MPI_Comm_free(&everyone)) || checked("MPI_Finalize", MPI_Finalize());
}
