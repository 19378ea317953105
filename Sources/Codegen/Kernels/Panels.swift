extension KernelFile {
  /// The layout of weights, panels of 16 outputs, and the ways into and out of it.
  static let panels = KernelFile(
    name: "panels", includes: ["vector"],
    source: #"""
      // A matrix w [out, in] lives in panels of 16 outputs, so that one input's 16 weights are one
      // cache line:
      //
      //   w[o, i]  at  panels[(o / 16) * in * 16 + i * 16 + o % 16]        padding outputs are 0
      //
      // In general a panel is [depth, 16]: 16 columns of the right-hand matrix of a product, with
      // the index that is summed over running down.
      #define PANEL 16
      #define PANEL_VECTORS (PANEL / LANES)

      // Floats that w [out, in] takes as panels.
      KERNEL size_t panels_size(int out, int in) {
          return (size_t)blocks_of(out, PANEL) * PANEL * (size_t)in;
      }

      // panels = rows [out, in], padding set to 0.
      KERNEL void panels_from_rows(float *panels, const float *rows, int out, int in) {
          for (int o = 0; o < blocks_of(out, PANEL) * PANEL; o++) {
              float *panel = panels + (size_t)(o / PANEL) * PANEL * (size_t)in + o % PANEL;
              for (int i = 0; i < in; i++) {
                  panel[(size_t)i * PANEL] = o < out ? rows[(size_t)o * (size_t)in + (size_t)i] : 0;
              }
          }
      }

      // rows [out, in] = panels.
      KERNEL void rows_from_panels(float *rows, const float *panels, int out, int in) {
          for (int o = 0; o < out; o++) {
              const float *panel = panels + (size_t)(o / PANEL) * PANEL * (size_t)in + o % PANEL;
              for (int i = 0; i < in; i++) {
                  rows[(size_t)o * (size_t)in + (size_t)i] = panel[(size_t)i * PANEL];
              }
          }
      }

      // panel[k, c] = from[k, c] for k < depth, c < columns; 0 for the other columns.
      //
      //   from [depth, stride]    panel [depth, 16]
      INLINE void panel_copy(float *panel, const float *from, size_t stride, int depth,
                             int columns) {
          for (int k = 0; k < depth; k++, panel += PANEL, from += stride) {
              for (int v = 0; v < PANEL; v += LANES) {
                  floats_store(panel + v, floats_load_some(from + v, columns - v));
              }
          }
      }

      typedef float four_floats __attribute__((vector_size(16)));
      typedef float four_floats_anywhere __attribute__((vector_size(16), aligned(4), may_alias));

      // to[j, i] = from[i, j], 4 x 4.
      INLINE void transpose_4x4(float *to, size_t to_stride, const float *from,
                                size_t from_stride) {
          four_floats a = *(const four_floats_anywhere *)from;
          four_floats b = *(const four_floats_anywhere *)(from + from_stride);
          four_floats c = *(const four_floats_anywhere *)(from + 2 * from_stride);
          four_floats d = *(const four_floats_anywhere *)(from + 3 * from_stride);
          four_floats ac = __builtin_shufflevector(a, c, 0, 4, 1, 5);
          four_floats bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
          four_floats ac_high = __builtin_shufflevector(a, c, 2, 6, 3, 7);
          four_floats bd_high = __builtin_shufflevector(b, d, 2, 6, 3, 7);
          *(four_floats_anywhere *)to = __builtin_shufflevector(ac, bd, 0, 4, 1, 5);
          *(four_floats_anywhere *)(to + to_stride) = __builtin_shufflevector(ac, bd, 2, 6, 3, 7);
          *(four_floats_anywhere *)(to + 2 * to_stride) =
              __builtin_shufflevector(ac_high, bd_high, 0, 4, 1, 5);
          *(four_floats_anywhere *)(to + 3 * to_stride) =
              __builtin_shufflevector(ac_high, bd_high, 2, 6, 3, 7);
      }

      // panel[k, c] = from[c, k] for k < depth, c < columns; 0 for the other columns.
      //
      //   from [columns, stride]    panel [depth, 16]
      INLINE void panel_transpose(float *panel, const float *from, size_t stride, int depth,
                                  int columns) {
          int whole = columns == PANEL ? depth / 4 * 4 : 0;
          for (int k = 0; k < whole; k += 4) {
              for (int c = 0; c < PANEL; c += 4) {
                  transpose_4x4(panel + k * PANEL + c, PANEL,
                                from + (size_t)c * stride + (size_t)k, stride);
              }
          }
          for (int k = whole; k < depth; k++) {
              for (int c = 0; c < PANEL; c++) {
                  panel[k * PANEL + c] = c < columns ? from[(size_t)c * stride + (size_t)k] : 0;
              }
          }
      }
      """#)
}
