// skeleton.c: what one rank does in an update, without its numbers. SimGrid runs it once for every rank, and says how
// long that would take on a network. moec compiles it with smpicc.
//
//     skeleton SCRIPT
//
//     buffer BYTES                       of the largest message, first of all
//     compute SECONDS
//     start TICKET BYTES GROUP STRIDE    BYTES to and from each of GROUP ranks, STRIDE apart, of which this is one
//     wait TICKET
#include <mpi.h>
#include <simgrid/host.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TICKETS = 4,
    MOST_PARTNERS = 16,  // above it messages for several partners go as one: a million flows take hours to simulate
};

typedef struct {
    int count;
    MPI_Request request[2 * MOST_PARTNERS];
} under_way;

static void trade(under_way *exchange, char *buffer, size_t bytes, int partner, int tag) {
    MPI_Request *request = exchange->request + exchange->count;
    MPI_Irecv(buffer, (int)bytes, MPI_BYTE, partner, tag, MPI_COMM_WORLD, &request[0]);
    MPI_Isend(buffer, (int)bytes, MPI_BYTE, partner, tag, MPI_COMM_WORLD, &request[1]);
    exchange->count += 2;
}

// Of more ranks than MOST_PARTNERS, which are a power of two, each sends as many bytes in as many steps as ring or
// recursive algorithms do: those for 1, 2, 4, ... ranks to one rank that far away.
static void start(under_way *exchange, char *buffer, size_t bytes, int group, int stride, int rank, int tag) {
    const int first = rank / (group * stride) * group * stride + rank % stride, own = (rank - first) / stride;
    exchange->count = 0;
    if (group <= MOST_PARTNERS) {
        for (int i = 1; i < group; i++) { trade(exchange, buffer, bytes, first + (own + i) % group * stride, tag); }
        return;
    }
    for (int i = 1; i < group; i *= 2) { trade(exchange, buffer, bytes * (size_t)i, first + (own ^ i) * stride, tag); }
}

// Returns the seconds that it took.
static double finish(under_way *exchange) {
    const double before = MPI_Wtime();
    MPI_Waitall(exchange->count, exchange->request, MPI_STATUSES_IGNORE);
    exchange->count = 0;
    return MPI_Wtime() - before;
}

// One line; returns 0 if it was understood.
static int run(const char *line, under_way *exchanges, char *buffer, int rank, int tag, double *waited) {
    int ticket, group, stride;
    size_t bytes;
    double seconds;
    if (sscanf(line, "compute %lf", &seconds) == 1) {
        smpi_execute_flops(seconds * sg_host_get_speed(sg_host_self()));
        return 0;
    }
    if (sscanf(line, "start %d %zu %d %d", &ticket, &bytes, &group, &stride) == 4) {
        start(&exchanges[ticket], buffer, bytes, group, stride, rank, tag);
        return 0;
    }
    if (sscanf(line, "wait %d", &ticket) != 1) { return 1; }
    *waited += finish(&exchanges[ticket]);
    return 0;
}

int main(int argc, char **argv) {
    int rank, result = 0, tag = 0;
    char line[200];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *script = argc == 2 ? fopen(argv[1], "r") : NULL;
    size_t bytes = 1;
    result = !script || fscanf(script, "buffer %zu\n", &bytes) != 1;
    char *buffer = SMPI_SHARED_MALLOC(bytes);
    double waited = 0;
    under_way exchanges[TICKETS] = {{0}};
    const double before = MPI_Wtime();
    while (!result && script && fgets(line, sizeof line, script)) {
        result = run(line, exchanges, buffer, rank, tag++, &waited);
    }
    printf("rank %d seconds %.9g waited %.9g\n", rank, MPI_Wtime() - before, waited);
    if (script) { fclose(script); }
    SMPI_SHARED_FREE(buffer);
    MPI_Finalize();
    return result;
}
