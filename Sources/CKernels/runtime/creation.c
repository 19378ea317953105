// The memory of a model: one allocation.

#define _DEFAULT_SOURCE 1  // madvise, mmap

#include "update.h"

#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

// gcc's OpenMP expects in a child the threads of its parent, which fork leaves behind.
#if defined(_OPENMP) && defined(__unix__) && !defined(__clang__)
#include <unistd.h>
#define FORK_LOSES_THREADS
#endif

// Fewer, larger pages: products stride through memory faster than small ones can be looked up. Of moments a rank has
// shares here and there, and none beside them.
static void ask_for_pages(char *start, size_t head, int ranks) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    madvise(start, head + model_sizes.arena, MADV_HUGEPAGE);
    if (ranks > 1) {
        // As large as pages are anywhere.
        size_t page = (size_t)1 << 16, first = (head + model_sizes.moments + page - 1) / page * page;
        size_t end = (head + model_sizes.steps) / page * page;
        if (first < end) { madvise(start + first, end - first, MADV_NOHUGEPAGE); }
    }
#else
    (void)start, (void)head, (void)ranks;
#endif
}

#if MODEL_SHARES_EXPERTS
// Of experts that other ranks have, no page is to be touched with one of this rank's.
static void part_pages(const moec_model *m) {
#if defined(__linux__) && defined(MADV_NOHUGEPAGE)
    const uintptr_t page = (uintptr_t)1 << 16;
    for (int i = 0; i < MODEL_PARAMETERS; i++) {
        const model_parameter *q = &m->parameter[i];
        const size_t own = experts_first(q, m->update->rank);
        float *const ends[2][2] = {{q->value, q->value + own}, {q->value + own + experts_count(q), q->value + q->stored}};
        for (int side = 0; side < 2; side++) {
            uintptr_t first = ((uintptr_t)ends[side][0] + page - 1) / page * page;
            uintptr_t end = (uintptr_t)ends[side][1] / page * page;
            if (first < end) { madvise((char *)first, end - first, MADV_NOHUGEPAGE); }
        }
    }
#else
    (void)m;
#endif
}

#endif
#if MODEL_UPDATES_IN_BACKWARD
// Of gradients that a training step turns into an update where they are made nothing is kept, and no large page is to be
// filled for the few that lie between them and are.
static void part_gradients(const moec_model *m) {
#if defined(__linux__) && defined(MADV_NOHUGEPAGE)
    const uintptr_t page = (uintptr_t)1 << 16;
    for (int i = 0; i < MODEL_PARAMETERS;) {
        const float *first = m->parameter[i].gradient, *end = first;
        for (; i < MODEL_PARAMETERS && m->parameter[i].gradient == end && m->parameter[i].row.holds & IN_BACKWARD; i++) {
            end += m->parameter[i].stored;
        }
        uintptr_t from = ((uintptr_t)first + page - 1) / page * page, to = (uintptr_t)end / page * page;
        if (end == first) {
            i++;
        } else if (from < to) {
            madvise((char *)from, to - from, MADV_NOHUGEPAGE);
        }
    }
#else
    (void)m;
#endif
}

void model_keep_gradients(const moec_model *m) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    const uintptr_t page = (uintptr_t)1 << 16, start = (uintptr_t)m->gradient;
    uintptr_t from = (start + page - 1) / page * page, to = (start + model_sizes.gradients * sizeof(float)) / page * page;
    if (from < to) { madvise((char *)from, to - from, MADV_HUGEPAGE); }
#else
    (void)m;
#endif
}
#endif

// Memory of zeros: of several ranks none is set apart for pages that are never touched, such as those of moments that
// others have.
static char *allocate(size_t bytes, int ranks) {
#if defined(__linux__) && defined(MAP_NORESERVE)
    if (ranks > 1) {
        void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return memory == MAP_FAILED ? NULL : memory;
    }
#endif
    (void)ranks;
    return calloc(1, bytes);
}

void model_clear(void *start, size_t bytes) {
    char *first = start, *end = first + bytes;
#if defined(__linux__) && defined(MADV_DONTNEED)
    // Huge pages among them, which small ones would be made of else.
    const size_t page = (size_t)2 << 20;
    char *whole = first + (page - (uintptr_t)first % page) % page;
    if (bytes > page && whole + page <= end) {
        size_t given = (size_t)(end - whole) / page * page;
        if (madvise(whole, given, MADV_DONTNEED) == 0) {
            memset(first, 0, (size_t)(whole - first));
            first = whole + given;
        }
    }
#endif
    memset(first, 0, (size_t)(end - first));
}

static void release(const moec_model *m) {
#if MODEL_TAKES_DOCUMENTS
    free(m->beginnings);
#endif
#if defined(__linux__) && defined(MAP_NORESERVE)
    if (m->update->ranks > 1) {
        munmap(m->allocation, m->allocated);
        return;
    }
#endif
    free(m->allocation);
}

static moec_model *create(const moec_exchange *exchange, int batches) {
    const int ranks = exchange ? exchange->ranks : 1;
    size_t lanes = (size_t)model_sizes.lanes * sizeof(moec_model), page = (size_t)2 << 20;
    size_t layers = lanes + sizeof(model_tables), head = layers + (size_t)model_sizes.lanes * model_sizes.layers;
    head = (head + 63) / 64 * 64;
    size_t bytes = head + model_sizes.arena + update_bytes(exchange, batches) + page;
    char *allocation = allocate(bytes, ranks);
    if (!allocation) { return NULL; }
    char *start = allocation + (page - (uintptr_t)allocation % page) % page;
    ask_for_pages(start, head, ranks);
    moec_model *m = (moec_model *)start;
    model_tables *tables = (model_tables *)(start + lanes);
    model_list(tables, start + head);
#if MODEL_SHARES_EXPERTS
    for (int i = 0; exchange && i < MODEL_PARAMETERS; i++) {
        tables->parameter[i].own = experts_first(&tables->parameter[i], exchange->rank);
    }
#endif
    for (int lane = 0; lane < model_sizes.lanes; lane++) {
        m[lane].layers = (struct model_layers *)(start + layers + (size_t)lane * model_sizes.layers);
        m[lane].parameter = tables->parameter;
#if MODEL_HAS_ROUTERS
        m[lane].router = tables->router;
#endif
        model_bind(m + lane, start + head, lane);
        m[lane].threads = lane > 0;  // the first one's are the caller's choice
#ifdef FORK_LOSES_THREADS
        m[lane].process = getpid();
#endif
    }
    update_begin(m, exchange, batches, start + head + model_sizes.arena);
#if MODEL_SHARES_EXPERTS
    part_pages(m);
#endif
#if MODEL_UPDATES_IN_BACKWARD
    part_gradients(m);
#endif
    m->allocation = allocation;
    m->allocated = bytes;
    m->last = m;
    for (int t = 0; t < MODEL_CONTEXT; t++) { m->positions[t] = t; }
    return m;
}

#if MODEL_SHARES_EXPERTS
// Whether so many ranks can share out the experts, and each rank's batches are one part of the tree of all.
static int can_share(int ranks, int batches) {
    if (MODEL_EXPERT_RANKS == 1) { return 1; }
    return ranks % MODEL_EXPERT_RANKS == 0 && (batches & (batches - 1)) == 0;
}

moec_model *moec_create(void) { return can_share(1, 1) ? create(NULL, 0) : NULL; }
#else
moec_model *moec_create(void) { return create(NULL, 0); }
#endif

moec_model *moec_create_rank(const moec_exchange *exchange, int batches) {
    if (batches < 1 || batches > UPDATE_BATCHES) { return NULL; }
#if MODEL_SHARES_EXPERTS
    if (!can_share(exchange ? exchange->ranks : 1, batches)) { return NULL; }
#endif
    if (!exchange) { return create(NULL, batches); }
    int ranks = exchange->ranks;
    if (exchange->rank < 0 || exchange->rank >= ranks || ranks > UPDATE_BATCHES / batches) { return NULL; }
    return create(ranks > 1 ? exchange : NULL, batches);
}

void moec_destroy(moec_model *m) {
    if (m) { release(m); }
}
