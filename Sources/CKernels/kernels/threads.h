// threads.h: a kernel of moec's, the same for every model.
#ifndef KERNEL_THREADS_H
#define KERNEL_THREADS_H

#include "base.h"

// Declared here because not every compiler that knows the pragmas has omp.h.
#ifdef _OPENMP
int omp_get_thread_num(void);
int omp_get_num_threads(void);
int omp_get_max_threads(void);
int omp_in_parallel(void);
#else
INLINE int omp_get_thread_num(void) { return 0; }
INLINE int omp_get_num_threads(void) { return 1; }
INLINE int omp_get_max_threads(void) { return 1; }
INLINE int omp_in_parallel(void) { return 0; }
#endif

// The calling thread's own pieces of 0 ..< count, an equal part of them in order, begin here
// (next: and end here); outside of a team all are its own.
INLINE int own_start(int count, int next) {
    return block_start(omp_get_thread_num() + next, count, omp_get_num_threads());
}

// For each of them. It is what `omp for` deals out, but without a call into the runtime, which
// takes longer than many a kernel of one sequence.
#define FOR_OWN(i, count)                                                                 \
    for (int i = own_start(count, 0), i##_end = own_start(count, 1); i < i##_end; i++)

#endif
