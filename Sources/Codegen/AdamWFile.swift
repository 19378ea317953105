import GraphIR
import Planning

/// `adamw.c`: one optimizer step over all parameters.
struct AdamWFile {
  let context: Context

  init(_ context: Context) { self.context = context }

  var file: GeneratedFile {
    GeneratedFile(
      path: "adamw.c",
      text: """
        \(context.heading("adamw.c"))
        //
        // AdamW with decoupled weight decay (Loshchilov and Hutter 2019). An expert that had no token in this
        // step is left alone altogether: no decay, no change of its moments, and its own step count stands.

        #include "model.h"
        #include "kernels/adamw.h"

        void model_update(struct moec_model *m, float learning_rate, float beta1, float beta2, float epsilon,
                          float weight_decay) {
            // Steps are counted first: one for each parameter, or for each of its experts that had rows.
            for (int i = 0; i < MODEL_PARAMETERS; i++) {
                const model_parameter *q = &model_parameters[i];
                const int32_t *used = m->used + q->first_step + i;
                for (int e = 0; e < q->steps && q->learns; e++) {
                    m->steps[q->first_step + e] += !m->start[i] || used[e] < used[e + 1];
                }
            }
            // Every thread walks over all parameters and takes its share of each.
            #pragma omp parallel
            for (int i = 0; i < MODEL_PARAMETERS; i++) {
                const model_parameter *q = &model_parameters[i];
                if (!q->learns) { continue; }
                adamw_numbers numbers = {learning_rate, beta1, beta2, epsilon, m->decays[i] ? weight_decay : 0};
                float *value = m->value + q->offset, *gradient = m->gradient + q->offset;
                float *first = m->first + q->offset, *second = m->second + q->offset;
                const float *steps = m->steps + q->first_step;
                if (m->start[i]) {
                    const int32_t *used = m->used + q->first_step + i;
                    size_t each = q->stored / (size_t)q->steps;
                    adamw_experts(value, gradient, first, second, each, q->steps, steps, used, &numbers);
                } else {
                    adamw(value, gradient, first, second, q->stored, steps, &numbers);
                }
            }
        }

        """)
  }
}
