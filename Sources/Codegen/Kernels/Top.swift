extension KernelFile {
  /// The k largest of each row, in ascending order of index.
  static let top = KernelFile(
    name: "top", includes: ["base"],
    source: #"""
      // An integer that orders as the float does, with -0 equal to 0 and every NaN above all
      // numbers.
      static inline int32_t top_order(float x) {
          float positive_zero = x + 0.0f;
          int32_t bits;
          memcpy(&bits, &positive_zero, sizeof bits);
          bits ^= (bits >> 31) & 0x7fffffff;
          return x == x ? bits : INT32_MAX;
      }

      // One row of top: finds the k-th element of the ranking by walking down it, then takes all
      // experts that do not rank below it. There are always exactly k of them, whatever the logits
      // hold.
      static inline void top_row(float *restrict values, int32_t *restrict indices,
                                 const float *restrict x, int experts, int k) {
          // The ranking so far ends here. A rank is the pair (order, -index) in one integer.
          int64_t last = INT64_MAX;
          for (int j = 0; j < k; j++) {
              int64_t best = INT64_MIN;
              for (int e = 0; e < experts; e++) {
                  int64_t rank = (int64_t)top_order(x[e]) * 65536 - e;
                  if (rank < last && rank > best) { best = rank; }
              }
              last = best;
          }
          for (int e = 0, j = 0; e < experts && j < k; e++) {
              if ((int64_t)top_order(x[e]) * 65536 - e >= last) {
                  values[j] = x[e];
                  indices[j++] = e;
              }
          }
      }

      // The k largest logits of each row. Among equals the lower index wins; the chosen are listed
      // in ascending order of expert. NaN counts as larger than every number.
      //
      //   logits [rows, experts], k <= experts <= 65536    ->    values, indices [rows, k]
      KERNEL void top(float *restrict values, int32_t *restrict indices,
                      const float *restrict logits, int rows, int experts, int k) {
          #pragma omp parallel for if ((size_t)rows * experts * k > 16384)
          for (int r = 0; r < rows; r++) {
              size_t at = (size_t)r * k;
              top_row(values + at, indices + at, logits + (size_t)r * experts, experts, k);
          }
      }

      // Gradient of top: it reaches the chosen logits alone.
      //
      //   d_logits[r, indices[r, j]] = d_values[r, j], 0 elsewhere
      KERNEL void top_gradient(float *restrict d_logits, const float *restrict d_values,
                               const int32_t *restrict indices, int rows, int experts, int k) {
          memset(d_logits, 0, (size_t)rows * experts * sizeof *d_logits);
          for (int r = 0; r < rows; r++) {
              for (int j = 0; j < k; j++) {
                  size_t at = (size_t)r * k + j;
                  d_logits[(size_t)r * experts + indices[at]] = d_values[at];
              }
          }
      }
      """#)
}
