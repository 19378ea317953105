extension KernelFile {
  /// Linear layers with one matrix per expert, over rows sorted by expert, and their gradients.
  static let expertLinear = KernelFile(
    name: "expert_linear", includes: ["product"],
    source: #"""
      // Rows in one unit of work. Work is cut by shapes and routing alone, never by threads.
      #define ROW_BLOCK 64
      #define GRADIENT_ROW_BLOCK 256

      // Floats of weights in one unit of work of the forward product: the second cache keeps them.
      #define WEIGHT_BLOCK 32768

      // Inputs in one unit of work of the weight gradient.
      #define INPUT_BLOCK 128

      // Rows first ..< end, all of one expert.
      typedef struct { int expert, first, end; } expert_rows;

      // How many blocks of at most `size` rows there are, no block holding rows of two experts.
      KERNEL int expert_blocks(const int32_t *start, int experts, int size) {
          int blocks = 0;
          for (int e = 0; e < experts; e++) { blocks += blocks_of(start[e + 1] - start[e], size); }
          return blocks;
      }

      // The block of that index.
      KERNEL expert_rows expert_block(const int32_t *start, int experts, int size, int index) {
          for (int e = 0; e < experts; e++) {
              int rows = start[e + 1] - start[e], blocks = blocks_of(rows, size);
              if (index < blocks) {
                  return (expert_rows){e, start[e] + block_start(index, rows, blocks),
                                       start[e] + block_start(index + 1, rows, blocks)};
              }
              index -= blocks;
          }
          return (expert_rows){0, 0, 0};
      }

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
          int blocks = expert_blocks(start, experts, ROW_BLOCK) * column_blocks;
          int next = 0;
          #pragma omp parallel if (blocks > 1)
          for (int block; (block = next_block(&next)) < blocks;) {
              expert_rows rows = expert_block(start, experts, ROW_BLOCK, block / column_blocks);
              int panel = block % column_blocks * panels_at_once, column = panel * PANEL;
              size_t e = (size_t)rows.expert, first = (size_t)rows.first;
              size_t w_panel = (size_t)in * PANEL;
              product p = {
                  .y = y + first * (size_t)out + column, .y_row = (size_t)out, .y_panel = PANEL,
                  .x = source ? x : x + first * (size_t)in, .x_row = (size_t)in,
                  .source = source ? source + first : NULL,
                  .w = w + e * panels_size(out, in) + (size_t)panel * w_panel, .w_panel = w_panel,
                  .bias = b ? b + e * (size_t)out + column : NULL,
                  .depth = in, .columns = smaller(out - column, panels_at_once * PANEL)};
              product_rows(&p, rows.end - rows.first);
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

      // d_x[r, :] = d_y[r, :] w[e]      for the rows r of expert e
      //
      //   d_y [rows, out]    w [experts, out, in] in panels    start [experts + 1]
      //   ->    d_x [rows, in]
      //
      // The sum runs over outputs, so w is turned, TILE_COLUMNS inputs at a time, into panels of
      // inputs just before all rows of a block use it.
      KERNEL void expert_linear_input_gradient(float *restrict d_x, const float *restrict d_y,
                                               const float *restrict w,
                                               const int32_t *restrict start, int experts, int in,
                                               int out) {
          int column_blocks = blocks_of(in, TILE_COLUMNS);
          int blocks = expert_blocks(start, experts, GRADIENT_ROW_BLOCK) * column_blocks;
          int next = 0;
          #pragma omp parallel if (blocks > 1)
          for (int block; (block = next_block(&next)) < blocks;) {
              expert_rows rows =
                  expert_block(start, experts, GRADIENT_ROW_BLOCK, block / column_blocks);
              const float *w_e = w + (size_t)rows.expert * panels_size(out, in);
              size_t first = (size_t)rows.first;
              int i = block % column_blocks * TILE_COLUMNS, columns = smaller(in - i, TILE_COLUMNS);
              float turned[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
              for (int o = 0; o == 0 || o < out; o += DEPTH_BLOCK) {
                  int depth = smaller(out - o, DEPTH_BLOCK);
                  for (int k = 0; k < depth; k += PANEL) {
                      const float *w_panel = w_e + (size_t)((o + k) / PANEL) * (size_t)in * PANEL;
                      for (int c = 0; c < columns; c += PANEL) {
                          panel_transpose(turned + c * DEPTH_BLOCK + k * PANEL,
                                          w_panel + (size_t)(i + c) * PANEL, PANEL, PANEL,
                                          smaller(columns - c, PANEL));
                      }
                  }
                  product p = {
                      .y = d_x + first * (size_t)in + i, .y_row = (size_t)in, .y_panel = PANEL,
                      .x = d_y + first * (size_t)out + o, .x_row = (size_t)out,
                      .w = turned, .w_panel = DEPTH_BLOCK * PANEL,
                      .depth = depth, .columns = columns, .accumulate = o > 0};
                  product_rows(&p, rows.end - rows.first);
              }
          }
      }

      // sums[c] = sum over k < depth of panels[c / 16][k, c % 16], onto sums itself if `accumulate`
      //
      //   panels [TILE_PANELS, DEPTH_BLOCK, 16]
      INLINE void column_sums(float *sums, const float *panels, int depth, int columns,
                              int accumulate) {
          for (int c = 0; c < columns; c += LANES) {
              const float *panel = panels + c / PANEL * DEPTH_BLOCK * PANEL + c % PANEL;
              floats sum = accumulate ? floats_load_some(sums + c, columns - c) : (floats){0};
              for (int k = 0; k < depth; k++) { sum += floats_load(panel + k * PANEL); }
              floats_store_some(sums + c, sum, columns - c);
          }
      }

      // d_w[e] = sum over the rows r of expert e of d_y[r, :]^T x[source[r], :]
      // d_b[e] = sum over the rows r of expert e of d_y[r, :]            (d_b may be NULL)
      //
      //   d_y [rows, out]    x [*, in]    source [rows], or NULL: row r of x    start [experts + 1]
      //   ->    d_w [experts, out, in] in panels    d_b [experts, out]
      //
      // Both are written whole: 0 for padding and for experts without rows.
      KERNEL void expert_linear_weight_gradient_gathered(
          float *restrict d_w, float *restrict d_b, const float *restrict d_y,
          const float *restrict x, const int32_t *restrict source, const int32_t *restrict start,
          int experts, int in, int out) {
          int panel_blocks = blocks_of(out, TILE_COLUMNS);
          int input_blocks = blocks_of(in, INPUT_BLOCK);
          int blocks = experts * panel_blocks * input_blocks;
          int next = 0;
          #pragma omp parallel if (blocks > 1)
          for (int block; (block = next_block(&next)) < blocks;) {
              int e = block / input_blocks / panel_blocks;
              int o = block / input_blocks % panel_blocks * TILE_COLUMNS;
              int i = block_start(block % input_blocks, in, input_blocks);
              int inputs = block_start(block % input_blocks + 1, in, input_blocks) - i;
              int columns = smaller(out - o, TILE_COLUMNS);
              float *d_b_e = d_b && i == 0 ? d_b + (size_t)e * (size_t)out + o : NULL;
              float *d_w_e = d_w + (size_t)e * panels_size(out, in) + (size_t)o * (size_t)in +
                             (size_t)i * PANEL;
              float packed[TILE_PANELS * DEPTH_BLOCK * PANEL] __attribute__((aligned(64)));
              for (int r = start[e]; r == start[e] || r < start[e + 1]; r += DEPTH_BLOCK) {
                  int depth = smaller(start[e + 1] - r, DEPTH_BLOCK);
                  const float *d_y_r = d_y + (size_t)r * (size_t)out + o;
                  for (int c = 0; c < columns; c += PANEL) {
                      panel_copy(packed + c * DEPTH_BLOCK, d_y_r + c, (size_t)out, depth,
                                 columns - c);
                  }
                  if (d_b_e) { column_sums(d_b_e, packed, depth, columns, r > start[e]); }
                  product p = {
                      .y = d_w_e, .y_row = PANEL, .y_panel = (size_t)in * PANEL,
                      .x = (source ? x : x + (size_t)r * (size_t)in) + i, .x_row = (size_t)in,
                      .source = source ? source + r : NULL,
                      .w = packed, .w_panel = DEPTH_BLOCK * PANEL, .depth = depth,
                      .columns = blocks_of(columns, PANEL) * PANEL, .by_depth = 1,
                      .accumulate = r > start[e]};
                  product_rows(&p, inputs);
              }
          }
      }

      // As above, row r of x belonging to row r of d_y.
      KERNEL void expert_linear_weight_gradient(float *restrict d_w, float *restrict d_b,
                                                const float *restrict d_y, const float *restrict x,
                                                const int32_t *restrict start, int experts, int in,
                                                int out) {
          expert_linear_weight_gradient_gathered(d_w, d_b, d_y, x, NULL, start, experts, in, out);
      }
      """#)
}
