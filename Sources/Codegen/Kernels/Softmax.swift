extension KernelFile {
  /// Softmax over the last axis, and its gradient.
  static let softmax = KernelFile(
    name: "softmax", includes: ["base", "rows", "scalar_math"],
    source: #"""
      static inline void softmax_row(float *restrict y, const float *restrict x, int width) {
          float maximum = row_max(x, width);
          for (int i = 0; i < width; i++) { y[i] = exp_f(x[i] - maximum); }
          float scale = 1.0f / row_sum(y, width);
          for (int i = 0; i < width; i++) { y[i] *= scale; }
      }

      // Softmax of every row; elements of -infinity become 0.
      //
      //   y[r, i] = exp(x[r, i]) / sum over j of exp(x[r, j])
      //
      //   x [rows, width]    ->    y [rows, width]
      KERNEL void softmax(float *restrict y, const float *restrict x, int rows, int width) {
          #pragma omp parallel for if ((size_t)rows * width > 4096)
          for (int r = 0; r < rows; r++) {
              softmax_row(y + (size_t)r * width, x + (size_t)r * width, width);
          }
      }

      static inline void softmax_row_gradient(float *restrict d_x, const float *restrict d_y,
                                              const float *restrict y, int width) {
          float mean = row_dot(d_y, y, width);
          for (int i = 0; i < width; i++) { d_x[i] = y[i] * (d_y[i] - mean); }
      }

      // Gradient of softmax, from its output y.
      //
      //   d_x[r, :] = y[r, :] (d_y[r, :] - <d_y[r, :], y[r, :]>)
      KERNEL void softmax_gradient(float *restrict d_x, const float *restrict d_y,
                                   const float *restrict y, int rows, int width) {
          #pragma omp parallel for if ((size_t)rows * width > 4096)
          for (int r = 0; r < rows; r++) {
              size_t at = (size_t)r * width;
              softmax_row_gradient(d_x + at, d_y + at, y + at, width);
          }
      }
      """#)
}
