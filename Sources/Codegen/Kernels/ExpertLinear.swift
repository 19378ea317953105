extension KernelFile {
  /// Linear layers with one matrix per expert, over rows sorted by expert, and their gradients.
  static let expertLinear = KernelFile(
    name: "expert_linear", includes: ["product"],
    source: #"""
      // Work is cut into blocks of rows by shapes and routing alone, never by threads. Blocks go to
      // threads in order of rows (schedule static): what a thread wrote it is likely to read next.
      #define ROW_BLOCK 64
      #define GRADIENT_ROW_BLOCK 256

      // Floats of weights in one block of the forward product: the second cache keeps them.
      #define WEIGHT_BLOCK 32768

      // y[r, :] = w[e] x[source[r], :] + b[e]      for the rows r of expert e
      //
      //   x [*, in]    source [rows], or NULL: row r of x is row r of y
      //   w [experts, out, in] in panels    b [experts, out], may be NULL    ->    y [rows, out]
      //   start [experts + 1]: expert e owns rows start[e] ..< start[e + 1]
      KERNEL void expert_linear_gathered(float *restrict y, const float *restrict x,
                                         const int32_t *restrict source, const float *restrict w,
                                         const float *restrict b, const int32_t *restrict start,
                                         int experts, int in, int out) {
          int panels = blocks_of(out, PANEL);
          int panels_at_once = WEIGHT_BLOCK / PANEL / (in > 0 ? in : 1) / TILE_PANELS * TILE_PANELS;
          if (panels_at_once < TILE_PANELS) { panels_at_once = TILE_PANELS; }
          int column_blocks = blocks_of(panels, panels_at_once);
          int row_blocks = blocks_of(start[experts], ROW_BLOCK);
          #pragma omp parallel for schedule(static) if (row_blocks * column_blocks > 1)
          for (int block = 0; block < row_blocks * column_blocks; block++) {
              int first = block_start(block / column_blocks, start[experts], row_blocks);
              int end = block_start(block / column_blocks + 1, start[experts], row_blocks);
              int panel = block % column_blocks * panels_at_once, column = panel * PANEL;
              size_t w_panel = (size_t)in * PANEL;
              for (int e = 0; e < experts; e++) {
                  int r = larger(first, start[e]), rows = smaller(end, start[e + 1]) - r;
                  if (rows <= 0) { continue; }
                  product p = {
                      .y = y + (size_t)r * (size_t)out + column, .y_row = (size_t)out,
                      .y_panel = PANEL, .x = source ? x : x + (size_t)r * (size_t)in,
                      .x_row = (size_t)in, .source = source ? source + r : NULL,
                      .w = w + (size_t)e * panels_size(out, in) + (size_t)panel * w_panel,
                      .w_panel = w_panel, .bias = b ? b + (size_t)e * (size_t)out + column : NULL,
                      .depth = in, .columns = smaller(out - column, panels_at_once * PANEL)};
                  product_rows(&p, rows);
              }
          }
      }

      // y[r, :] = w[e] x[r, :] + b[e]      for the rows r of expert e
      //
      //   x [rows, in]    w [experts, out, in] in panels    b [experts, out], may be NULL
      //   start [experts + 1]: expert e owns rows start[e] ..< start[e + 1]    ->    y [rows, out]
      KERNEL void expert_linear(float *restrict y, const float *restrict x, const float *restrict w,
                                const float *restrict b, const int32_t *restrict start, int experts,
                                int in, int out) {
          expert_linear_gathered(y, x, NULL, w, b, start, experts, in, out);
      }

      // d_x[:, :columns] = d_y w[:, :columns], of one expert; d_x and w begin at the first input.
      //
      //   d_y [rows, out]    w [out, in] in panels    columns <= TILE_COLUMNS    d_x [rows, in]
      //
      // The sum runs over outputs, so that w is turned into panels of inputs just before its use.
      INLINE void input_gradient_columns(float *restrict d_x, const float *restrict d_y,
                                         const float *restrict w, int rows, int columns, int in,
                                         int out) {
          float turned[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
          for (int o = 0; o == 0 || o < out; o += DEPTH_BLOCK) {
              int depth = smaller(out - o, DEPTH_BLOCK);
              for (int k = 0; k < depth; k += PANEL) {
                  const float *w_panel = w + (size_t)(o + k) * (size_t)in;
                  for (int c = 0; c < columns; c += PANEL) {
                      panel_transpose(turned + c * DEPTH_BLOCK + k * PANEL, w_panel + c * PANEL,
                                      PANEL, PANEL, smaller(columns - c, PANEL));
                  }
              }
              product p = {.y = d_x, .y_row = (size_t)in, .y_panel = PANEL,
                           .x = d_y + o, .x_row = (size_t)out,
                           .w = turned, .w_panel = DEPTH_BLOCK * PANEL,
                           .depth = depth, .columns = columns, .accumulate = o > 0};
              product_rows(&p, rows);
          }
      }

      // d_x[r, :] = d_y[r, :] w[e]      for the rows r of expert e
      //
      //   d_y [rows, out]    w [experts, out, in] in panels    start [experts + 1]
      //   ->    d_x [rows, in]
      KERNEL void expert_linear_input_gradient(float *restrict d_x, const float *restrict d_y,
                                               const float *restrict w,
                                               const int32_t *restrict start, int experts, int in,
                                               int out) {
          int column_blocks = blocks_of(in, TILE_COLUMNS);
          int row_blocks = blocks_of(start[experts], GRADIENT_ROW_BLOCK);
          #pragma omp parallel for schedule(static) if (row_blocks * column_blocks > 1)
          for (int block = 0; block < row_blocks * column_blocks; block++) {
              int first = block_start(block / column_blocks, start[experts], row_blocks);
              int end = block_start(block / column_blocks + 1, start[experts], row_blocks);
              int i = block % column_blocks * TILE_COLUMNS;
              for (int e = 0; e < experts; e++) {
                  int r = larger(first, start[e]), rows = smaller(end, start[e + 1]) - r;
                  if (rows <= 0) { continue; }
                  input_gradient_columns(d_x + (size_t)r * (size_t)in + i,
                                         d_y + (size_t)r * (size_t)out,
                                         w + (size_t)e * panels_size(out, in) + i * PANEL, rows,
                                         smaller(in - i, TILE_COLUMNS), in, out);
              }
          }
      }
      """#)
}
