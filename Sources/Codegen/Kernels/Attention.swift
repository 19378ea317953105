extension KernelFile {
  /// Causal attention of all heads, forward, in tiles.
  static let attention = KernelFile(
    name: "attention", includes: ["base", "attention_tile", "random", "rows", "scalar_math"],
    source: #"""
      // What is known of each query of a tile after some of its keys: the largest score, the sum of
      // exp(score - maximum), and what the output so far and the new part are to be multiplied by.
      typedef struct {
          float maximum[ATTENTION_TILE], sum[ATTENTION_TILE];
          float before[ATTENTION_TILE], after[ATTENTION_TILE];
      } attention_state;

      // scores[j] = j < seen ? scale scores[j] : -infinity; returns the largest.
      static inline float attention_mask_row(float *scores, float scale, int seen, int lanes) {
          const row_mask lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
          const row_lanes nothing = (row_lanes){0} - INFINITY;
          row_lanes best = nothing;
          for (int j = 0; j < lanes; j += ATTENTION_LANES) {
              row_mask visible = lane + j < (row_mask){0} + seen;
              row_lanes score = *row_at_const(scores + j) * scale;
              score = (row_lanes)(((row_mask)score & visible) | ((row_mask)nothing & ~visible));
              *row_at(scores + j) = score;
              row_lanes_max(&best, &score);
          }
          return row_fold_max(&best);
      }

      static inline void attention_exp_row(float *scores, float maximum, int lanes) {
          for (int j = 0; j < lanes; j++) { scores[j] = exp_f(scores[j] - maximum); }
      }

      static inline void attention_drop_row(float *restrict weights, const attention_sizes *sizes,
                                            uint32_t number, int lanes) {
          uint64_t key = sizes->key;
          uint32_t threshold = sizes->threshold;
          float keep = sizes->keep;
          for (int j = 0; j < lanes; j++) {
              float factor = random_bits(key, number + (uint32_t)j) >= threshold ? keep : 0.0f;
              weights[j] *= factor;
          }
      }

      // Brings the state up to date with the sums of a tile's weights. Before this, `before` holds
      // the old maximum less the new one.
      static inline void attention_update(attention_state *restrict state,
                                          const float *restrict sums, int queries, int last) {
          for (int i = 0; i < queries; i++) {
              float before = exp_f(state->before[i]);
              float sum = state->sum[i] * before + sums[i];
              float after = last ? 1.0f / sum : 1.0f;  // the last tile of keys normalises
              state->sum[i] = sum;
              state->before[i] = before * after;
              state->after[i] = after;
          }
      }

      // Turns a tile's scores into weights exp(score - maximum), with dropout. The sums are of the
      // weights before dropout, as softmax comes first. One thing is done for all rows before the
      // next, so that the processor need not wait for one row's result.
      static inline void attention_weigh(float *scores, attention_state *state, attention_tile tile,
                                         int pair, const attention_sizes *sizes) {
          float sums[ATTENTION_TILE];
          for (int i = 0; i < tile.queries; i++) {
              float largest =
                  attention_mask_row(scores + i * ATTENTION_TILE, sizes->scale,
                                     attention_seen(tile, i), attention_seen_lanes(tile, i));
              float old = state->maximum[i];
              state->maximum[i] = largest > old ? largest : old;
              state->before[i] = old - state->maximum[i];
          }
          for (int i = 0; i < tile.queries; i++) {
              float *row = scores + i * ATTENTION_TILE;
              int lanes = attention_seen_lanes(tile, i);
              attention_exp_row(row, state->maximum[i], lanes);
              sums[i] = row_sum(row, lanes);
          }
          attention_update(state, sums, tile.queries, tile.key == tile.query);
          for (int i = 0; i < tile.queries && sizes->threshold != 0; i++) {
              uint32_t number = attention_number(pair, tile.query + i, tile.key, sizes->context);
              int lanes = attention_seen_lanes(tile, i);
              attention_drop_row(scores + i * ATTENTION_TILE, sizes, number, lanes);
          }
      }

      // y[i] = before[i] y[i] + after[i] sum over j of weights[i, j] v[j]
      static inline void attention_average(float *restrict y, const float *restrict weights,
                                           const float *restrict v, const attention_state *state,
                                           attention_tile tile, const attention_sizes *sizes) {
          _Alignas(64) float panel[ATTENTION_TILE * ATTENTION_LANES];
          _Alignas(64) float sum[4 * ATTENTION_LANES];
          for (int c = 0; c < sizes->depth; c += ATTENTION_LANES) {
              int columns = attention_min(ATTENTION_LANES, sizes->depth - c);
              attention_columns b =
                  attention_pad(panel, v + c, sizes->stride_row, tile.keys, columns);
              for (int i = 0; i < tile.queries; i += 4) {
                  int rows = attention_min(4, tile.queries - i);
                  attention_block(sum, ATTENTION_LANES, 0, weights + i * ATTENTION_TILE,
                                  ATTENTION_TILE, 1, rows, b.at, b.stride_row, 0,
                                  attention_seen(tile, i + rows - 1));
                  for (int r = 0; r < rows; r++) {
                      attention_store(y + (i + r) * sizes->stride_row + c,
                                      sum + r * ATTENTION_LANES, state->before[i + r],
                                      state->after[i + r], columns);
                  }
              }
          }
      }

      // Attention of one (sequence, head); q, k, v and y point at its first row.
      static void attention_head(float *restrict y, float *restrict logsumexp,
                                 const float *restrict q, const float *restrict k,
                                 const float *restrict v, int pair, const attention_sizes *sizes) {
          _Alignas(64) float scores[ATTENTION_TILE * ATTENTION_TILE];
          attention_state state;
          size_t row = sizes->stride_row;
          for (int query = 0; query < sizes->length; query += ATTENTION_TILE) {
              for (int i = 0; i < ATTENTION_TILE; i++) { state.maximum[i] = -INFINITY; }
              memset(state.sum, 0, sizeof state.sum);
              for (int key = 0; key <= query; key += ATTENTION_TILE) {
                  attention_tile tile = attention_tile_at(query, key, sizes->length);
                  attention_scores(scores, q + query * row, k + key * row, tile, sizes);
                  attention_weigh(scores, &state, tile, pair, sizes);
                  attention_average(y + query * row, scores, v + key * row, &state, tile, sizes);
              }
              if (logsumexp == NULL) { continue; }
              for (int i = 0; i < attention_min(ATTENTION_TILE, sizes->length - query); i++) {
                  logsumexp[query + i] = state.maximum[i] + log_f(state.sum[i]);
              }
          }
      }

      // Causal attention of every (sequence, head), with dropout on the softmaxed weights.
      //
      //   y[i] = sum over j <= i of drop(softmax over j <= i of (scale <q[i], k[j]>)) v[j]
      //
      //   q, k, v, y: row i of (sequence s, head h) begins at s stride_sequence + h stride_head +
      //   i stride_row and has `depth` floats
      //   logsumexp [sequences, heads, length] for backward, or NULL: not kept
      //
      // The softmax is built up tile by tile: when a later tile holds a larger score, what was
      // summed so far is scaled down. Dropout's weight number is ((s heads + h) context + i)
      // context + j.
      KERNEL void attention(float *restrict y, float *restrict logsumexp, const float *restrict q,
                            const float *restrict k, const float *restrict v, int sequences,
                            int heads, int length, int depth, int stride_sequence, int stride_head,
                            int stride_row, int context, float scale, double rate, uint64_t key) {
          attention_sizes sizes = {
              .length = length,
              .depth = depth,
              .stride_row = (size_t)stride_row,
              .scale = scale,
              .context = context,
              .threshold = rate > 0 ? dropout_threshold(rate) : 0,
              .keep = dropout_scale(rate),
              .key = key,
          };
          #pragma omp parallel for if ((size_t)sequences * heads * length * depth > 4096)
          for (int pair = 0; pair < sequences * heads; pair++) {
              size_t at =
                  (size_t)(pair / heads) * stride_sequence + (size_t)(pair % heads) * stride_head;
              float *logsumexp_head = logsumexp ? logsumexp + (size_t)pair * length : NULL;
              attention_head(y + at, logsumexp_head, q + at, k + at, v + at, pair, &sizes);
          }
      }
      """#)
}
