extension KernelFile {
  /// Gradients of causal attention, in tiles whose weights are computed again.
  static let attentionGradient = KernelFile(
    name: "attention_gradient", includes: ["base", "attention_tile", "random", "vector_math"],
    source: #"""
      // What a block of queries needs: their logsumexp (infinity where there is no query: weights
      // are 0), and delta = <d_y[i], y[i]>, which is what the softmax's normaliser takes away.
      typedef struct {
          floats logsumexp, delta;
      } attention_block;

      OUTLINE floats attention_delta(const float *d_y, const float *y, size_t row, int rows,
                                     int depth) {
          floats products[LANES], delta = {0};
          for (int c = 0; c < depth; c += LANES) {
              UNROLL
              for (int i = 0; i < LANES; i++) {
                  size_t at = (size_t)smaller(i, rows - 1) * row + c;
                  products[i] = floats_load_some(d_y + at, depth - c) *
                                floats_load_some(y + at, depth - c);
              }
              delta += floats_sum_rows(products);
          }
          return delta;
      }

      // Turns a tile's scores into weights after dropout, and the gradients d of those weights into
      // those of the scores, both in place:
      //
      //   p = 2^(score - logsumexp)    weight = keep p    d = scale p (keep d - delta)
      OUTLINE void attention_reweigh(float *scores, float *d_scores, attention_block block,
                                     attention_tile tile, int pair, const attention_sizes *sizes) {
          floats keep = floats_all(sizes->keep);
          words number = attention_numbers(tile, pair, sizes->context);
          for (int j = 0; j < tile.keys; j++) {
              floats p = floats_exp2(floats_load(scores + j * LANES) - block.logsumexp);
              floats factor = keep;
              if (sizes->threshold) {
                  ints kept = random_lanes(sizes->key, number + (uint32_t)j) >= sizes->threshold;
                  factor = floats_select(kept, keep, (floats){0});
              }
              floats d = floats_load(d_scores + j * LANES);
              d = floats_multiply_add(factor, d, -block.delta) * (p * sizes->scale);
              floats_store(scores + j * LANES, p * factor);
              floats_store(d_scores + j * LANES, d);
          }
      }

      // d_q[i] (+)= sum over j of d_scores[j, i] k[j]; the first tile of keys writes, later ones
      // add.
      OUTLINE void attention_query_gradient(float *d_q, const float *d_scores, const float *k,
                                            attention_tile tile, const attention_sizes *sizes) {
          _Alignas(64) float keys[ATTENTION_KEYS * LANES];
          for (int c = 0; c < sizes->depth; c += LANES) {
              int columns = sizes->depth - c;
              floats sum[LANES];
              attention_sum_keys(
                  sum, d_scores, attention_pad(keys, k + c, sizes->inputs.row, tile.keys, columns),
                  tile);
              attention_store(d_q + c, sum, sizes->gradients.row, tile.queries, columns,
                              tile.key > 0);
          }
      }

      // d_x[j] (+)= sum over i of a[j, i] x[i], over the queries i that see key j: d_k from
      // d_scores and q, d_v from the weights and d_y. The block of queries on the diagonal is the
      // first to come and writes, later ones add.
      OUTLINE void attention_key_gradient(float *d_x, size_t d_row, const float *a, const float *x,
                                          size_t x_row, int depth, attention_tile tile) {
          _Alignas(64) float queries[LANES * LANES];
          for (int c = 0; c < depth; c += LANES) {
              attention_columns x_c =
                  attention_pad(queries, x + c, x_row, tile.queries, depth - c);
              for (int j = 0; j < tile.keys; j += LANES) {
                  floats sum[LANES];
                  UNROLL
                  for (int l = 0; l < LANES; l++) { sum[l] = (floats){0}; }
                  if (tile.key + j == tile.query) {
                      attention_add(sum, a + j * LANES, LANES, 1, x_c, 1);
                  } else {
                      attention_add(sum, a + j * LANES, LANES, 1, x_c, 0);
                  }
                  attention_store(d_x + j * d_row + c, sum, d_row, smaller(LANES, tile.keys - j),
                                  depth - c, tile.key + j < tile.query);
              }
          }
      }

      // The pointers of one head, at its first row.
      typedef struct {
          float *d_q, *d_k, *d_v;
          const float *d_y, *y, *q, *k, *v, *logsumexp;
      } attention_pointers;

      // Calls what the next head has at the places of x, to be read or to be written: forward's
      // results have long left the cache.
      #define FETCH_NEXT_HEAD(x, row, rows, depth, write)                                       \
          for (int i = 0; i < rows; i++) {                                                      \
              for (int c = 0; c < depth; c += 16) {                                             \
                  __builtin_prefetch((x) + i * row + depth + c, write);                         \
              }                                                                                 \
          }

      // What one tile adds to the gradients. The block's first calls the next head's rows, a few
      // with every step.
      INLINE void attention_tile_gradient(attention_pointers at, attention_block block,
                                          attention_tile tile, int pair,
                                          const attention_sizes *sizes) {
          _Alignas(64) float weights[ATTENTION_KEYS * LANES], d_scores[ATTENTION_KEYS * LANES];
          size_t in = sizes->inputs.row, out = sizes->outputs.row, to = sizes->gradients.row;
          size_t query = tile.query, key = tile.key;
          const float *q = at.q + query * in, *k = at.k + key * in, *v = at.v + key * in;
          const float *d_y = at.d_y + query * out;
          int depth = sizes->depth, rows = tile.key == 0 ? tile.queries : 0;
          floats none = {0};
          FETCH_NEXT_HEAD(q, in, rows, depth, 0)
          attention_scores(weights, q, in, k, in, depth, sizes->scale * LOG2_E, tile, 1, none);
          FETCH_NEXT_HEAD(at.k + query * in, in, rows, depth, 0)
          attention_scores(d_scores, d_y, out, v, in, depth, 1.0f, tile, 0, none);
          FETCH_NEXT_HEAD(at.v + query * in, in, rows, depth, 0)
          FETCH_NEXT_HEAD(at.d_q + query * to, to, rows, depth, 1)
          attention_reweigh(weights, d_scores, block, tile, pair, sizes);
          FETCH_NEXT_HEAD(d_y, out, rows, depth, 0)
          attention_query_gradient(at.d_q + query * to, d_scores, k, tile, sizes);
          FETCH_NEXT_HEAD(at.y + query * out, out, rows, depth, 0)
          FETCH_NEXT_HEAD(at.d_k + query * to, to, rows, depth, 1)
          attention_key_gradient(at.d_k + key * to, to, d_scores, q, in, depth, tile);
          FETCH_NEXT_HEAD(at.d_v + query * to, to, rows, depth, 1)
          attention_key_gradient(at.d_v + key * to, to, weights, d_y, out, depth, tile);
      }

      // Gradients of the head of number `pair`. Its blocks of queries come in order.
      INLINE void attention_head_gradient(attention_pointers at, int pair,
                                          const attention_sizes *sizes) {
          size_t row = sizes->outputs.row;
          for (int query = 0; query < sizes->length; query += LANES) {
              int queries = smaller(LANES, sizes->length - query);
              attention_block block = {
                  floats_select(ints_count() < queries,
                                floats_load_some(at.logsumexp + query, queries),
                                floats_all(INFINITY)),
                  attention_delta(at.d_y + query * row, at.y + query * row, row, queries,
                                  sizes->depth),
              };
              for (int key = 0; key < query + queries; key += ATTENTION_KEYS) {
                  attention_tile tile = attention_tile_at(query, key, sizes->length);
                  attention_tile_gradient(at, block, tile, pair, sizes);
              }
          }
      }

      static inline void attention_heads_gradient(attention_pointers at,
                                                  const attention_sizes *sizes) {
          int pairs = sizes->sequences * sizes->heads;
          #pragma omp parallel for if ((size_t)pairs * sizes->length * sizes->depth > 4096)
          for (int pair = 0; pair < pairs; pair++) {
              attention_sizes own = *sizes;
              size_t in = attention_at(own.inputs, pair, own.heads);
              size_t out = attention_at(own.outputs, pair, own.heads);
              size_t to = attention_at(own.gradients, pair, own.heads);
              attention_pointers head = {
                  at.d_q + to, at.d_k + to, at.d_v + to, at.d_y + out, at.y + out,
                  at.q + in, at.k + in, at.v + in, at.logsumexp + (size_t)pair * own.length,
              };
              attention_head_gradient(head, pair, &own);
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
      // Sizes and dropout's numbers are those of causal_attention; d_q, d_k and d_v have rows of d_row
      // floats and are written whole.
      KERNEL void causal_attention_gradient(float *restrict d_q, float *restrict d_k,
                                            float *restrict d_v, const float *restrict d_y,
                                            const float *restrict y, const float *restrict q,
                                            const float *restrict k, const float *restrict v,
                                            const float *restrict logsumexp, int row, int d_row,
                                            int sequences, int heads, int length, int depth,
                                            float scale, double rate, uint64_t key) {
          attention_sizes sizes = attention_sizes_of(sequences, heads, length, depth, length,
                                                     scale, rate, key);
          sizes.inputs = attention_head_strides(length, depth, row);
          sizes.outputs = attention_head_strides(length, depth, heads * depth);
          sizes.gradients = attention_head_strides(length, depth, d_row);
          attention_pointers at = {d_q, d_k, d_v, d_y, y, q, k, v, logsumexp};
          attention_heads_gradient(at, &sizes);
      }
      """#)
}
