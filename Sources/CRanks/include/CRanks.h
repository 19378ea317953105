// CRanks.h: ranks as threads of one process, and what ranks under MPI are compiled of.
#ifndef CRANKS_H
#define CRANKS_H

#include "CCarried.h"
#include "moec_model.h"

/// Ranks that reach each other through the memory of their process. Each is used from one thread at a time.
typedef struct ranks_group ranks_group;

/// A group of `count` ranks; NULL if that is below 1, or when there is no memory.
ranks_group *ranks_create(int count);

/// The exchange of one rank, as long as the group is there; NULL if there is no such rank.
///
/// Calls that differ between ranks, in kind, ticket or sizes, fail on all of them. Buffers are read by the threads of
/// other ranks until the exchange has ended or a call has failed.
const moec_exchange *ranks_exchange(const ranks_group *group, int rank);

/// Lets every call fail that waits or is made later, because of `rank`; what a group first failed for is kept. When it
/// returns no rank reads the buffers of another.
void ranks_abort(ranks_group *group, int rank, const char *reason);

/// Says that a rank makes no more calls: ranks that wait for one, now or later, fail.
void ranks_leave(ranks_group *group, int rank);

/// Copies out why the group has failed, and gives the rank that aborted it: -1 if the ranks disagree, -2 if it has not
/// failed.
int ranks_failure(ranks_group *group, char *reason, size_t size);

/// Frees a group that no rank uses any more; NULL is allowed.
void ranks_free(ranks_group *group);

// The C that goes with an MPI, and the header that it includes; what SimGrid runs.
#define CRANKS_FILES(FILE) \
    FILE(ranks_transport_mpi_c, "mpi/transport_mpi.c") \
    FILE(ranks_moec_model_h, "moec_model.h") \
    FILE(ranks_skeleton_c, "simulated/skeleton.c")

// The text of each of these files.
CRANKS_FILES(CARRIED_FUNCTION)

#endif
