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

#endif
