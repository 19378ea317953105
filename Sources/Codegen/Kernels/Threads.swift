extension KernelFile {
  /// What the C asks of OpenMP, with or without it.
  static let threads = KernelFile(
    name: "threads", includes: ["base"],
    source: #"""
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
      """#)
}
