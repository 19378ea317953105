extension KernelFile {
  /// Gradients of causal attention, in tiles whose weights are computed again.
  static let attentionGradient = KernelFile(
    name: "attention_gradient",
    includes: ["base", "attention_tile", "random", "rows", "scalar_math"],
    source: #"""
      // weights[j] = j < seen ? exp(scale scores[j] - logsumexp) : 0, in place of the scores.
      static inline void attention_reweigh_row(float *scores, float scale, float logsumexp,
                                               int seen, int lanes) {
          for (int j = 0; j < lanes; j++) {
              float weight = exp_f(scores[j] * scale - logsumexp);
              scores[j] = j < seen ? weight : 0.0f;
          }
      }

      // From weights p and the gradients d of dropped weights to those of the scores, both in
      // place:
      //
      //   d[j] = scale p[j] (keep[j] d[j] - delta)    p[j] = keep[j] p[j]
      static inline void attention_row_gradient(float *restrict d, float *restrict p, float delta,
                                                const attention_sizes *sizes, uint32_t number,
                                                int lanes) {
          uint64_t key = sizes->key;
          uint32_t threshold = sizes->threshold;
          float scale = sizes->scale, factor = sizes->keep;
          if (threshold == 0) {
              for (int j = 0; j < lanes; j++) { d[j] = scale * p[j] * (d[j] - delta); }
              return;
          }
          for (int j = 0; j < lanes; j++) {
              float keep = random_bits(key, number + (uint32_t)j) >= threshold ? factor : 0.0f;
              d[j] = scale * p[j] * (keep * d[j] - delta);
              p[j] *= keep;
          }
      }

      // Turns a tile's scores into weights after dropout, and the gradients of those weights into
      // those of the scores. delta = <d_y[i], y[i]> is what the softmax's normaliser takes away.
      static inline void attention_reweigh(float *scores, float *d_scores, const float *d_y,
                                           const float *y, const float *logsumexp,
                                           attention_tile tile, int pair,
                                           const attention_sizes *sizes) {
          for (int i = 0; i < tile.queries; i++) {
              float *p = scores + i * ATTENTION_TILE;
              int lanes = attention_seen_lanes(tile, i);
              size_t row = i * sizes->stride_row;
              float delta = row_dot(d_y + row, y + row, sizes->depth);
              uint32_t number = attention_number(pair, tile.query + i, tile.key, sizes->context);
              attention_reweigh_row(p, sizes->scale, logsumexp[i], attention_seen(tile, i), lanes);
              attention_row_gradient(d_scores + i * ATTENTION_TILE, p, delta, sizes, number, lanes);
          }
      }

      // d_q[i] (+)= sum over j of d_scores[i, j] k[j]; the first tile of keys writes, later ones
      // add.
      static inline void attention_query_gradient(float *restrict d_q,
                                                  const float *restrict d_scores,
                                                  const float *restrict k, attention_tile tile,
                                                  const attention_sizes *sizes) {
          _Alignas(64) float panel[ATTENTION_TILE * ATTENTION_LANES];
          _Alignas(64) float sum[4 * ATTENTION_LANES];
          for (int c = 0; c < sizes->depth; c += ATTENTION_LANES) {
              int columns = attention_min(ATTENTION_LANES, sizes->depth - c);
              attention_columns b =
                  attention_pad(panel, k + c, sizes->stride_row, tile.keys, columns);
              for (int i = 0; i < tile.queries; i += 4) {
                  int rows = attention_min(4, tile.queries - i);
                  attention_block(sum, ATTENTION_LANES, 0, d_scores + i * ATTENTION_TILE,
                                  ATTENTION_TILE, 1, rows, b.at, b.stride_row, 0,
                                  attention_seen(tile, i + rows - 1));
                  for (int r = 0; r < rows; r++) {
                      attention_store(d_q + (i + r) * sizes->stride_row + c,
                                      sum + r * ATTENTION_LANES, tile.key > 0, 1.0f, columns);
                  }
              }
          }
      }

      // d_x[j] (+)= sum over i of a[i, j] x[i], over the queries i that see key j: d_k from
      // d_scores and q, d_v from the weights and d_y. The first tile of queries writes, later ones
      // add.
      static inline void attention_key_gradient(float *restrict d_x, const float *restrict a,
                                                const float *restrict x, attention_tile tile,
                                                const attention_sizes *sizes) {
          _Alignas(64) float panel[ATTENTION_TILE * ATTENTION_LANES];
          _Alignas(64) float sum[4 * ATTENTION_LANES];
          int diagonal = tile.query == tile.key;
          for (int c = 0; c < sizes->depth; c += ATTENTION_LANES) {
              int columns = attention_min(ATTENTION_LANES, sizes->depth - c);
              attention_columns b =
                  attention_pad(panel, x + c, sizes->stride_row, tile.queries, columns);
              for (int j = 0; j < tile.keys; j += 4) {
                  int rows = attention_min(4, tile.keys - j);
                  attention_block(sum, ATTENTION_LANES, 0, a + j, 1, ATTENTION_TILE, rows, b.at,
                                  b.stride_row, diagonal ? j : 0, tile.queries);
                  for (int r = 0; r < rows; r++) {
                      attention_store(d_x + (j + r) * sizes->stride_row + c,
                                      sum + r * ATTENTION_LANES, !diagonal, 1.0f, columns);
                  }
              }
          }
      }

      // Gradients of one (sequence, head); all but logsumexp point at its first row.
      static void attention_head_gradient(float *restrict d_q, float *restrict d_k,
                                          float *restrict d_v, const float *restrict d_y,
                                          const float *restrict y, const float *restrict q,
                                          const float *restrict k, const float *restrict v,
                                          const float *restrict logsumexp, int pair,
                                          const attention_sizes *sizes) {
          _Alignas(64) float weights[ATTENTION_TILE * ATTENTION_TILE];
          _Alignas(64) float d_scores[ATTENTION_TILE * ATTENTION_TILE];
          for (int key = 0; key < sizes->length; key += ATTENTION_TILE) {
              size_t at_key = key * sizes->stride_row;
              for (int query = key; query < sizes->length; query += ATTENTION_TILE) {
                  size_t at_query = query * sizes->stride_row;
                  attention_tile tile = attention_tile_at(query, key, sizes->length);
                  attention_scores(weights, q + at_query, k + at_key, tile, sizes);
                  attention_scores(d_scores, d_y + at_query, v + at_key, tile, sizes);
                  attention_reweigh(weights, d_scores, d_y + at_query, y + at_query,
                                    logsumexp + query, tile, pair, sizes);
                  attention_query_gradient(d_q + at_query, d_scores, k + at_key, tile, sizes);
                  attention_key_gradient(d_k + at_key, d_scores, q + at_query, tile, sizes);
                  attention_key_gradient(d_v + at_key, weights, d_y + at_query, tile, sizes);
              }
          }
      }

      // Gradients of attention, from its output y and the logsumexp it kept. The weights p and
      // dropout's factors m (0 or 1 / (1 - rate)) are computed again, tile by tile.
      //
      //   d_v[j] = sum over i >= j of m[i, j] p[i, j] d_y[i]
      //   d_s[i, j] = p[i, j] (m[i, j] <d_y[i], v[j]> - <d_y[i], y[i]>)
      //   d_q[i] = scale sum over j <= i of d_s[i, j] k[j]
      //   d_k[j] = scale sum over i >= j of d_s[i, j] q[i]
      //
      // Sizes, strides and dropout's numbers are those of attention; d_q, d_k and d_v are written
      // whole.
      KERNEL void attention_gradient(float *restrict d_q, float *restrict d_k, float *restrict d_v,
                                     const float *restrict d_y, const float *restrict y,
                                     const float *restrict q, const float *restrict k,
                                     const float *restrict v, const float *restrict logsumexp,
                                     int sequences, int heads, int length, int depth,
                                     int stride_sequence, int stride_head, int stride_row,
                                     int context, float scale, double rate, uint64_t key) {
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
              attention_head_gradient(d_q + at, d_k + at, d_v + at, d_y + at, y + at, q + at,
                                      k + at, v + at, logsumexp + (size_t)pair * length, pair,
                                      &sizes);
          }
      }
      """#)
}
