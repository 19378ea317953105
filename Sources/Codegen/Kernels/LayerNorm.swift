extension KernelFile {
  /// Layer normalisation over the last axis, and its gradients.
  static let layerNorm = KernelFile(
    name: "layer_norm", includes: ["base", "rows"],
    source: #"""
      // One row of layer_norm; returns its mean and 1 / standard deviation through the pointers.
      static inline void layer_norm_row(float *restrict y, float *restrict mean,
                                        float *restrict rstd, const float *restrict x,
                                        const float *restrict w, const float *restrict b, int width,
                                        float epsilon) {
          float m = row_sum(x, width) / (float)width;
          float variance = row_squared_deviation(x, m, width) / (float)width;
          float r = 1.0f / sqrtf(variance + epsilon);
          for (int i = 0; i < width; i++) { y[i] = (x[i] - m) * r * w[i] + b[i]; }
          *mean = m;
          *rstd = r;
      }

      // Layer normalisation of every row, with the biased variance.
      //
      //   y[r, :] = (x[r, :] - mean[r]) rstd[r] w + b,    rstd = 1 / sqrt(variance + epsilon)
      //
      //   x [rows, width]    w, b [width]    ->    y [rows, width]; mean, rstd [rows]
      KERNEL void layer_norm(float *restrict y, float *restrict mean, float *restrict rstd,
                             const float *restrict x, const float *restrict w,
                             const float *restrict b, int rows, int width, float epsilon) {
          #pragma omp parallel for if ((size_t)rows * width > 4096)
          for (int r = 0; r < rows; r++) {
              size_t at = (size_t)r * width;
              layer_norm_row(y + at, mean + r, rstd + r, x + at, w, b, width, epsilon);
          }
      }

      // One row of d_x, from the means of g = d_y w and of g n, where n is the normalised x:
      //
      //   d_x = rstd (g - mean(g) - n mean(g n))
      static inline void layer_norm_row_gradient(float *restrict d_x, const float *restrict d_y,
                                                 const float *restrict x, const float *restrict w,
                                                 float mean, float rstd, int width) {
          row_lanes lanes = {0}, lanes_n = {0};
          int full = width - width % 16;
          for (int i = 0; i < full; i += 16) {
              row_lanes g = *row_at_const(d_y + i) * *row_at_const(w + i);
              lanes += g;
              lanes_n += g * ((*row_at_const(x + i) - mean) * rstd);
          }
          float sum = row_fold(&lanes), sum_n = row_fold(&lanes_n);
          for (int i = full; i < width; i++) {
              float g = d_y[i] * w[i];
              sum += g;
              sum_n += g * ((x[i] - mean) * rstd);
          }
          sum /= (float)width;
          sum_n /= (float)width;
          for (int i = 0; i < width; i++) {
              d_x[i] = rstd * (d_y[i] * w[i] - sum - (x[i] - mean) * rstd * sum_n);
          }
      }

      // d_w and d_b of up to 16 columns, over all rows in order; the pointers start at the first
      // column.
      static inline void layer_norm_columns_gradient(float *restrict d_w, float *restrict d_b,
                                                     const float *restrict d_y,
                                                     const float *restrict x,
                                                     const float *restrict mean,
                                                     const float *restrict rstd, int rows,
                                                     int width, int columns) {
          if (columns == 16) {
              row_lanes sum_w = {0}, sum_b = {0};
              for (int r = 0; r < rows; r++) {
                  size_t at = (size_t)r * width;
                  sum_w += *row_at_const(d_y + at) * ((*row_at_const(x + at) - mean[r]) * rstd[r]);
                  sum_b += *row_at_const(d_y + at);
              }
              *row_at(d_w) = sum_w;
              *row_at(d_b) = sum_b;
              return;
          }
          for (int c = 0; c < columns; c++) {
              float sum_w = 0, sum_b = 0;
              for (int r = 0; r < rows; r++) {
                  size_t at = (size_t)r * width + c;
                  sum_w += d_y[at] * ((x[at] - mean[r]) * rstd[r]);
                  sum_b += d_y[at];
              }
              d_w[c] = sum_w;
              d_b[c] = sum_b;
          }
      }

      // Gradients of layer_norm. Rows are shared out for d_x, blocks of 16 columns for d_w and d_b.
      //
      //   d_w = sum over r of d_y[r, :] n[r, :]    d_b = sum over r of d_y[r, :]
      KERNEL void layer_norm_gradient(float *restrict d_x, float *restrict d_w, float *restrict d_b,
                                      const float *restrict d_y, const float *restrict x,
                                      const float *restrict w, const float *restrict mean,
                                      const float *restrict rstd, int rows, int width) {
          #pragma omp parallel if ((size_t)rows * width > 4096)
          {
              #pragma omp for nowait
              for (int r = 0; r < rows; r++) {
                  size_t at = (size_t)r * width;
                  layer_norm_row_gradient(d_x + at, d_y + at, x + at, w, mean[r], rstd[r], width);
              }
              #pragma omp for
              for (int c = 0; c < width; c += 16) {
                  int columns = width - c < 16 ? width - c : 16;
                  layer_norm_columns_gradient(d_w + c, d_b + c, d_y + c, x + c, mean, rstd, rows,
                                              width, columns);
              }
          }
      }
      """#)
}
