extension KernelFile {
  /// The optimizer: AdamW with decoupled weight decay, for whole tensors and for stacked experts.
  static let adamW = KernelFile(
    name: "adamw", includes: ["base"],
    source: #"""
      // Elements in one unit of work.
      #define ADAMW_BLOCK 4096

      typedef struct {
          float learning_rate, beta1, beta2, epsilon, weight_decay;
      } adamw_numbers;

      // One step over `count` elements, the parameter's `step`-th (from 1):
      //
      //   value  *= 1 - learning_rate weight_decay
      //   first  += (gradient - first) (1 - beta1)
      //   second  = beta2 second + (1 - beta2) gradient^2
      //   value  -= learning_rate / (1 - beta1^step)
      //             first / (sqrt(second) / sqrt(1 - beta2^step) + epsilon)
      //
      // The factors are formed in double.
      KERNEL void adamw_block(float *restrict value, const float *restrict gradient,
                              float *restrict first, float *restrict second, size_t count,
                              float step, const adamw_numbers *numbers) {
          double rate = numbers->learning_rate, beta1 = numbers->beta1, beta2 = numbers->beta2;
          float keep = (float)(1 - rate * numbers->weight_decay);
          float step_size = (float)(rate / (1 - pow(beta1, step)));
          float root = (float)sqrt(1 - pow(beta2, step));
          float new1 = (float)(1 - beta1), old2 = (float)beta2, new2 = (float)(1 - beta2);
          float epsilon = numbers->epsilon;
          for (size_t i = 0; i < count; i++) {
              float g = gradient[i];
              float m = first[i] + (g - first[i]) * new1;
              float v = old2 * second[i] + new2 * g * g;
              first[i] = m;
              second[i] = v;
              value[i] = value[i] * keep - step_size * m / (sqrtf(v) / root + epsilon);
          }
      }

      // What a weight gradient needs to put the parameter's step right behind it, block by block,
      // while the gradient is in cache. Everything lies as the gradient would.
      typedef struct {
          float *value, *first, *second;  // value NULL: only the gradient is wanted
          const float *steps;             // [experts]
          adamw_numbers numbers;
      } weight_update;

      // One step of a whole parameter, its *steps-th. Called by all threads of a team at once: each takes its
      // share of the blocks and goes on to the next parameter without waiting.
      KERNEL void adamw(float *restrict value, const float *restrict gradient,
                        float *restrict first, float *restrict second, size_t count,
                        const float *restrict steps, const adamw_numbers *numbers) {
          int blocks = (int)((count + ADAMW_BLOCK - 1) / ADAMW_BLOCK);
          #pragma omp for schedule(static) nowait
          for (int block = 0; block < blocks; block++) {
              size_t i = (size_t)block * ADAMW_BLOCK, left = count - i;
              adamw_block(value + i, gradient + i, first + i, second + i,
                          left < ADAMW_BLOCK ? left : ADAMW_BLOCK, *steps, numbers);
          }
      }

      // One step of a parameter stacked by expert, value [experts, count], for the experts that had
      // rows: all else, its decay and its count included, stays as it was for the others.
      //
      //   steps [experts]    start [experts + 1]: expert e had rows start[e] ..< start[e + 1]
      KERNEL void adamw_experts(float *restrict value, const float *restrict gradient,
                                float *restrict first, float *restrict second, size_t count,
                                int experts, const float *restrict steps,
                                const int32_t *restrict start, const adamw_numbers *numbers) {
          int blocks = (int)((count + ADAMW_BLOCK - 1) / ADAMW_BLOCK);
          #pragma omp for schedule(static) nowait
          for (int block = 0; block < experts * blocks; block++) {
              int e = block / blocks;
              if (start[e] == start[e + 1]) { continue; }
              size_t i = (size_t)(block % blocks) * ADAMW_BLOCK, left = count - i;
              size_t at = (size_t)e * count + i;
              adamw_block(value + at, gradient + at, first + at, second + at,
                          left < ADAMW_BLOCK ? left : ADAMW_BLOCK, steps[e], numbers);
          }
      }
      """#)
}
