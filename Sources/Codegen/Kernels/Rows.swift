extension KernelFile {
  /// Reductions over one row, in an order that vectorises and never changes.
  static let rows = KernelFile(
    name: "rows", includes: ["base", "vector_math"],
    source: #"""
      // Reductions over a row of `width` floats. Element i goes to partial result i % 16; the
      // sixteen are then folded in halves. Elements past the last full sixteen are added one by one
      // at the end. This order depends on the width alone; where exponentials are summed, it
      // depends on the machine's vector width too.

      typedef float row_lanes __attribute__((vector_size(64), aligned(4), may_alias));
      typedef int32_t row_mask __attribute__((vector_size(64), aligned(4), may_alias));

      static inline row_lanes *row_at(float *x) { return (row_lanes *)x; }
      static inline const row_lanes *row_at_const(const float *x) { return (const row_lanes *)x; }

      // Folds sixteen partial sums in halves: 16 to 8 to 4 to 2 to 1.
      static inline float row_fold(const row_lanes *lanes) {
          typedef float eight __attribute__((vector_size(32)));
          typedef float four __attribute__((vector_size(16)));
          eight half[2];
          memcpy(half, lanes, sizeof half);
          half[0] += half[1];
          four quarter[2];
          memcpy(quarter, half, sizeof quarter);
          quarter[0] += quarter[1];
          return (quarter[0][0] + quarter[0][2]) + (quarter[0][1] + quarter[0][3]);
      }

      // best = max(best, *x), lane by lane; NaN is passed over.
      static inline void row_lanes_max(row_lanes *best, const row_lanes *x) {
          row_mask above = *x > *best;
          *best = (row_lanes)(((row_mask)*x & above) | ((row_mask)*best & ~above));
      }

      // sum of x[i]
      KERNEL float row_sum(const float *x, int width) {
          row_lanes sum = {0};
          int full = width - width % 16;
          for (int i = 0; i < full; i += 16) { sum += *row_at_const(x + i); }
          float total = row_fold(&sum);
          for (int i = full; i < width; i++) { total += x[i]; }
          return total;
      }

      // sum of x[i] y[i]
      KERNEL float row_dot(const float *x, const float *y, int width) {
          row_lanes sum = {0};
          int full = width - width % 16;
          for (int i = 0; i < full; i += 16) { sum += *row_at_const(x + i) * *row_at_const(y + i); }
          float total = row_fold(&sum);
          for (int i = full; i < width; i++) { total += x[i] * y[i]; }
          return total;
      }

      // sum of (x[i] - mean)^2
      KERNEL float row_squared_deviation(const float *x, float mean, int width) {
          row_lanes sum = {0};
          int full = width - width % 16;
          for (int i = 0; i < full; i += 16) {
              row_lanes deviation = *row_at_const(x + i) - mean;
              sum += deviation * deviation;
          }
          float total = row_fold(&sum);
          for (int i = full; i < width; i++) { total += (x[i] - mean) * (x[i] - mean); }
          return total;
      }

      // The largest x[i]; NaN is passed over, so that it shows up in what is computed from x, not
      // here.
      KERNEL float row_max(const float *x, int width) {
          floats best = floats_all(-INFINITY);
          int i = 0;
          for (; i + LANES <= width; i += LANES) { best = floats_max(floats_load(x + i), best); }
          if (i < width) {
              ints inside = ints_count() < (ints){0} + (width - i);
              floats rest = floats_load_some(x + i, width - i);
              best = floats_max(floats_select(inside, rest, floats_all(-INFINITY)), best);
          }
          return floats_largest(best);
      }

      // y[i] = factor exp(x[i] - shift), of which it returns the sum; y NULL: only the sum.
      INLINE float row_exp(float *y, const float *x, float shift, float factor, int width) {
          floats sum = {0};
          int i = 0;
          for (; i + LANES <= width; i += LANES) {
              floats power = floats_exp(floats_load(x + i) - shift) * factor;
              sum += power;
              if (y) { floats_store(y + i, power); }
          }
          if (i < width) {
              ints inside = ints_count() < (ints){0} + (width - i);
              floats power = floats_exp(floats_load_some(x + i, width - i) - shift) * factor;
              sum += floats_select(inside, power, (floats){0});
              if (y) { floats_store_some(y + i, power, width - i); }
          }
          return floats_sum(sum);
      }

      // x[i] *= factor
      static inline void row_scale(float *x, float factor, int width) {
          for (int i = 0; i < width; i += LANES) {
              floats_store_some(x + i, floats_load_some(x + i, width - i) * factor, width - i);
          }
      }
      """#)
}
