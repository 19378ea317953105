extension KernelFile {
  /// Products of small tiles that attention and its gradient are made of.
  static let attentionTile = KernelFile(
    name: "attention_tile", includes: ["base", "random", "rows"],
    source: #"""
      // Attention works on tiles of 64 queries by 64 keys of one (sequence, head), held in small
      // arrays on the stack, so that the memory needed does not grow with the square of the length.
      // Depth is taken sixteen columns at a time. A tile's row is ATTENTION_TILE floats long,
      // whatever is used of it.

      #define ATTENTION_TILE 64
      #define ATTENTION_LANES 16

      // Sizes shared by all tiles of a call.
      typedef struct {
          int length, depth;   // queries (and keys), and floats per query
          size_t stride_row;   // floats from one query to the next
          float scale;         // of the scores
          int context;         // the length that numbers the weights for dropout
          uint32_t threshold;  // weights whose bits are below are dropped; 0: no dropout
          float keep;          // the factor of the others
          uint64_t key;
      } attention_sizes;

      // One tile: queries query ..< query + queries against keys key ..< key + keys.
      typedef struct {
          int query, queries, key, keys;
      } attention_tile;

      static inline int attention_min(int a, int b) { return a < b ? a : b; }

      static inline attention_tile attention_tile_at(int query, int key, int length) {
          attention_tile tile = {query, attention_min(ATTENTION_TILE, length - query), key,
                                 attention_min(ATTENTION_TILE, length - key)};
          return tile;
      }

      // How many of the tile's keys its query i sees: those not after it.
      static inline int attention_seen(attention_tile tile, int i) {
          return attention_min(tile.query + i + 1 - tile.key, tile.keys);
      }

      // The same, rounded up to whole vectors of keys. Queries 4n to 4n + 3 agree on it.
      static inline int attention_seen_lanes(attention_tile tile, int i) {
          return (attention_seen(tile, i) + ATTENTION_LANES - 1) / ATTENTION_LANES *
                 ATTENTION_LANES;
      }

      // The micro-kernel: four rows by sixteen lanes, summed over from <= t < to.
      //
      //   c[r, lane] = (add ? c[r, lane] : 0) + sum over t of a[r, t] b[t, lane]
      //
      // Rows of a past the last repeat it; c always has room for four.
      static inline void attention_block(float *c, size_t c_row, int add, const float *a,
                                         size_t a_row, size_t a_step, int rows, const float *b,
                                         size_t b_row, int from, int to) {
          const float *a_1 = a + (rows > 1 ? 1 : rows - 1) * a_row;
          const float *a_2 = a + (rows > 2 ? 2 : rows - 1) * a_row;
          const float *a_3 = a + (rows > 3 ? 3 : rows - 1) * a_row;
          row_lanes c_0 = {0}, c_1 = {0}, c_2 = {0}, c_3 = {0};
          if (add) {
              c_0 = *row_at_const(c);
              c_1 = *row_at_const(c + c_row);
              c_2 = *row_at_const(c + c_row * 2);
              c_3 = *row_at_const(c + c_row * 3);
          }
          for (int t = from; t < to; t++) {
              const row_lanes *b_t = row_at_const(b + t * b_row);
              c_0 += a[t * a_step] * *b_t;
              c_1 += a_1[t * a_step] * *b_t;
              c_2 += a_2[t * a_step] * *b_t;
              c_3 += a_3[t * a_step] * *b_t;
          }
          *row_at(c) = c_0;
          *row_at(c + c_row) = c_1;
          *row_at(c + c_row * 2) = c_2;
          *row_at(c + c_row * 3) = c_3;
      }

      // panel[c, j] = x[j, c] for up to sixteen columns c, four rows at a time. Up to a whole
      // vector, lanes past the last row repeat it; nothing is made of them.
      static inline void attention_transpose(float *restrict panel, const float *restrict x,
                                             size_t stride_row, int rows, int columns) {
          typedef float four __attribute__((vector_size(16), may_alias));
          int lanes = (rows + ATTENTION_LANES - 1) / ATTENTION_LANES * ATTENTION_LANES;
          for (int j = 0; j < lanes; j += 4) {
              const float *x_0 = x + attention_min(j, rows - 1) * stride_row;
              const float *x_1 = x + attention_min(j + 1, rows - 1) * stride_row;
              const float *x_2 = x + attention_min(j + 2, rows - 1) * stride_row;
              const float *x_3 = x + attention_min(j + 3, rows - 1) * stride_row;
              for (int c = 0; c < columns; c++) {
                  four column = {x_0[c], x_1[c], x_2[c], x_3[c]};
                  *(four *)(panel + c * ATTENTION_TILE + j) = column;
              }
          }
      }

      // scores[i, j] = <x[i], y[j]> for the tile's queries i and the keys j that they see, in whole
      // vectors; x points at the tile's first query, y at its first key.
      static inline void attention_scores(float *restrict scores, const float *restrict x,
                                          const float *restrict y, attention_tile tile,
                                          const attention_sizes *sizes) {
          _Alignas(64) float panel[ATTENTION_LANES * ATTENTION_TILE];
          for (int c = 0; c < sizes->depth; c += ATTENTION_LANES) {
              int columns = attention_min(ATTENTION_LANES, sizes->depth - c);
              attention_transpose(panel, y + c, sizes->stride_row, tile.keys, columns);
              for (int i = 0; i < tile.queries; i += 4) {
                  int lanes = attention_seen_lanes(tile, attention_min(i + 3, tile.queries - 1));
                  const float *x_i = x + i * sizes->stride_row + c;
                  for (int j = 0; j < lanes; j += ATTENTION_LANES) {
                      attention_block(scores + i * ATTENTION_TILE + j, ATTENTION_TILE, c > 0, x_i,
                                      sizes->stride_row, 1, tile.queries - i, panel + j,
                                      ATTENTION_TILE, 0, columns);
                  }
              }
          }
      }

      // Sixteen columns of x, with a row stride: x itself, or a copy in `panel` padded with 0.
      typedef struct {
          const float *at;
          size_t stride_row;
      } attention_columns;

      static inline attention_columns attention_pad(float *restrict panel, const float *restrict x,
                                                    size_t stride_row, int rows, int columns) {
          attention_columns whole = {x, stride_row};
          if (columns == ATTENTION_LANES) { return whole; }
          for (int i = 0; i < rows; i++) {
              for (int c = 0; c < ATTENTION_LANES; c++) {
                  panel[i * ATTENTION_LANES + c] = c < columns ? x[i * stride_row + c] : 0;
              }
          }
          attention_columns padded = {panel, ATTENTION_LANES};
          return padded;
      }

      // y[c] = before y[c] + after x[c] for up to sixteen columns; y is not read if before is 0.
      static inline void attention_store(float *restrict y, const float *restrict x, float before,
                                         float after, int columns) {
          if (columns == ATTENTION_LANES) {
              row_lanes sum = *row_at_const(x) * after;
              if (before != 0) { sum += *row_at_const(y) * before; }
              *row_at(y) = sum;
              return;
          }
          for (int c = 0; c < columns; c++) {
              float old = before != 0 ? y[c] * before : 0;
              y[c] = old + x[c] * after;
          }
      }

      // Number of the first weight of a query's row, for dropout.
      static inline uint32_t attention_number(int pair, int query, int key, int context) {
          return ((uint32_t)pair * (uint32_t)context + (uint32_t)query) * (uint32_t)context +
                 (uint32_t)key;
      }
      """#)
}
