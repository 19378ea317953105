extension KernelFile {
  /// The weighted sum of each token's expert outputs, and its gradients.
  static let combine = KernelFile(
    name: "combine", includes: ["base", "rows"],
    source: #"""
      // y += weight x
      static inline void combine_add_row(float *restrict y, const float *restrict x, float weight,
                                         int width) {
          for (int i = 0; i < width; i++) { y[i] += weight * x[i]; }
      }

      // Adds up the outputs of each token's experts, in the order of choices (ascending experts).
      //
      //   y[t, :] = sum over j with slot[t, j] >= 0 of weights[t, j] x[slot[t, j], :]
      //
      //   x [tokens * k, width]    weights, slot [tokens, k]    ->    y [tokens, width]
      KERNEL void combine(float *restrict y, const float *restrict x, const float *restrict weights,
                          const int32_t *restrict slot, int tokens, int k, int width) {
          #pragma omp parallel for if ((size_t)tokens * k * width > 4096)
          for (int t = 0; t < tokens; t++) {
              float *y_t = y + (size_t)t * width;
              memset(y_t, 0, (size_t)width * sizeof *y);
              for (int j = 0; j < k; j++) {
                  size_t pair = (size_t)t * k + j;
                  if (slot[pair] < 0) { continue; }
                  combine_add_row(y_t, x + (size_t)slot[pair] * width, weights[pair], width);
              }
          }
      }

      // y = weight x
      static inline void combine_scale_row(float *restrict y, const float *restrict x, float weight,
                                           int width) {
          for (int i = 0; i < width; i++) { y[i] = weight * x[i]; }
      }

      // Gradients of combine. Every kept row belongs to one pair, so that d_x is written whole up
      // to the last kept row.
      //
      //   d_x[slot[t, j], :] = weights[t, j] d_y[t, :]
      //   d_weights[t, j] = <x[slot[t, j], :], d_y[t, :]>, 0 where dropped
      KERNEL void combine_gradient(float *restrict d_x, float *restrict d_weights,
                                   const float *restrict d_y, const float *restrict x,
                                   const float *restrict weights, const int32_t *restrict slot,
                                   int tokens, int k, int width) {
          #pragma omp parallel for if ((size_t)tokens * k * width > 4096)
          for (int t = 0; t < tokens; t++) {
              const float *d_y_t = d_y + (size_t)t * width;
              for (int j = 0; j < k; j++) {
                  size_t pair = (size_t)t * k + j;
                  d_weights[pair] = 0;
                  if (slot[pair] < 0) { continue; }
                  size_t at = (size_t)slot[pair] * width;
                  combine_scale_row(d_x + at, d_y_t, weights[pair], width);
                  d_weights[pair] = row_dot(x + at, d_y_t, width);
              }
          }
      }
      """#)
}
