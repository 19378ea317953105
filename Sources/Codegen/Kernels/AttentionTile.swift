extension KernelFile {
  /// Products of small tiles that attention and its gradient are made of.
  static let attentionTile = KernelFile(
    name: "attention_tile", includes: ["base", "random", "vector_math"],
    source: #"""
      // Attention works on tiles: LANES queries, one in each lane, by up to 64 keys of one
      // (sequence, head). With a query in each lane, the softmax over keys needs no sums across
      // lanes, and keys and values are read as they lie. A tile is held in a small array on the
      // stack, so that the memory needed does not grow with the square of the length. Depth is
      // taken LANES columns at a time.

      #define ATTENTION_KEYS 64
      #define ATTENTION_ROWS (LANES < 8 ? LANES : 8)  // keys whose sums are formed together

      // Row i of (sequence s, head h) begins at s sequence + h head + i row.
      typedef struct {
          size_t sequence, head, row;
      } attention_strides;

      // Sizes shared by all tiles of a call.
      typedef struct {
          int sequences, heads, length, depth;
          attention_strides inputs, outputs, gradients;  // of q, k, v; of y, d_y; of d_q, d_k, d_v
          float scale;         // of the scores
          int context;         // the length that numbers the weights for dropout
          uint32_t threshold;  // weights whose bits are below are dropped; 0: no dropout
          float keep;          // the factor of the others
          uint64_t key;
      } attention_sizes;

      // All sizes but the strides.
      static inline attention_sizes attention_sizes_of(int sequences, int heads, int length,
                                                       int depth, int context, float scale,
                                                       double rate, uint64_t key) {
          attention_sizes sizes = {
              .sequences = sequences,
              .heads = heads,
              .length = length,
              .depth = depth,
              .scale = scale,
              .context = context,
              .threshold = rate > 0 ? dropout_threshold(rate) : 0,
              .keep = dropout_scale(rate),
              .key = key,
          };
          return sizes;
      }

      // Strides of heads that lie side by side in rows of `row` floats.
      static inline attention_strides attention_head_strides(int length, int depth, int row) {
          attention_strides strides = {(size_t)length * row, (size_t)depth, (size_t)row};
          return strides;
      }

      // Where the head of number `pair` = sequence * heads + head begins.
      static inline size_t attention_at(attention_strides strides, int pair, int heads) {
          return (size_t)(pair / heads) * strides.sequence + (size_t)(pair % heads) * strides.head;
      }

      // One tile: queries query ..< query + queries against keys key ..< key + keys.
      typedef struct {
          int query, queries, key, keys;
      } attention_tile;

      // The tile at (query, key), with those keys alone that one of its queries sees.
      static inline attention_tile attention_tile_at(int query, int key, int length) {
          int queries = smaller(LANES, length - query);
          attention_tile tile = {query, queries, key,
                                 smaller(ATTENTION_KEYS, query + queries - key)};
          return tile;
      }

      // LANES columns of a matrix, with a row stride: the matrix itself, or a copy padded with 0.
      typedef struct {
          const float *at;
          size_t row;
      } attention_columns;

      INLINE attention_columns attention_pad(float *panel, const float *x, size_t row, int rows,
                                             int columns) {
          attention_columns whole = {x, row}, padded = {panel, LANES};
          if (columns >= LANES) { return whole; }
          for (int i = 0; i < rows; i++) {
              floats_store(panel + i * LANES, floats_load_some(x + i * row, columns));
          }
          return padded;
      }

      // panel[c, i] = factor x[i, c], for LANES columns of LANES rows. Rows past the last repeat
      // it; columns past the last are 0.
      INLINE void attention_transpose(float *panel, const float *x, size_t row, int rows,
                                      int columns, float factor) {
          floats square[LANES];
          UNROLL
          for (int i = 0; i < LANES; i++) {
              const float *x_i = x + smaller(i, rows - 1) * row;
              square[i] = columns < LANES ? floats_load_some(x_i, columns) : floats_load(x_i);
          }
          floats_transpose(square);
          UNROLL
          for (int c = 0; c < LANES; c++) { floats_store(panel + c * LANES, square[c] * factor); }
      }

      // scores[j, i] (+)= sum over LANES columns c of y[j, c] x[c, i], for the keys that `score`
      // and y point at; those past the last repeat it.
      INLINE void attention_score_rows(float *scores, const float *x, attention_columns y, int keys,
                                       int add) {
          floats sum[ATTENTION_ROWS];
          const float *y_row[ATTENTION_ROWS];
          UNROLL
          for (int j = 0; j < ATTENTION_ROWS; j++) {
              y_row[j] = y.at + smaller(j, keys - 1) * y.row;
              sum[j] = add ? floats_load(scores + j * LANES) : (floats){0};
          }
          for (int c = 0; c < LANES; c++) {
              floats x_c = floats_load(x + c * LANES);
              UNROLL
              for (int j = 0; j < ATTENTION_ROWS; j++) {
                  sum[j] = floats_multiply_add(floats_all(y_row[j][c]), x_c, sum[j]);
              }
          }
          UNROLL
          for (int j = 0; j < ATTENTION_ROWS; j++) { floats_store(scores + j * LANES, sum[j]); }
      }

      // scores[j, i] = factor <x[i], y[j]> for the tile's keys j and queries i; x points at its
      // first query, y at its first key.
      INLINE void attention_scores(float *scores, const float *x, size_t x_row, const float *y,
                                   size_t y_row, int depth, float factor, attention_tile tile) {
          _Alignas(64) float x_columns[LANES * LANES], panel[ATTENTION_KEYS * LANES];
          for (int c = 0; c < depth; c += LANES) {
              attention_transpose(x_columns, x + c, x_row, tile.queries, depth - c, factor);
              attention_columns rows = attention_pad(panel, y + c, y_row, tile.keys, depth - c);
              for (int j = 0; j < tile.keys; j += ATTENTION_ROWS) {
                  attention_columns from = {rows.at + j * rows.row, rows.row};
                  attention_score_rows(scores + j * LANES, x_columns, from, tile.keys - j, c > 0);
              }
          }
      }

      // sum[c, i] = sum over keys j of weights[j, i] x[j, c], for LANES columns c.
      INLINE void attention_sum_keys(floats *sum, const float *weights, attention_columns x,
                                     int keys) {
          floats total[LANES];
          UNROLL
          for (int c = 0; c < LANES; c++) { total[c] = (floats){0}; }
          for (int j = 0; j < keys; j++) {
              floats weight = floats_load(weights + j * LANES);
              UNROLL
              for (int c = 0; c < LANES; c++) {
                  floats x_c = floats_all(x.at[j * x.row + c]);
                  total[c] = floats_multiply_add(x_c, weight, total[c]);
              }
          }
          UNROLL
          for (int c = 0; c < LANES; c++) { sum[c] = total[c]; }
      }

      // Which of the tile's queries do not come before its key j.
      INLINE ints attention_sees(attention_tile tile, int j) {
          return ints_count() >= (ints){0} + (tile.key + j - tile.query);
      }

      // Numbers of the tile's weights for its first key, for dropout.
      INLINE words attention_numbers(attention_tile tile, int pair, int context) {
          uint32_t first = (uint32_t)pair * (uint32_t)context + (uint32_t)tile.query;
          return ((words)ints_count() + first) * (uint32_t)context + (uint32_t)tile.key;
      }
      """#)
}
