import GraphIR
import Planning

/// The parts of `model.c` that run passes, train, and hand out results.
extension ModelFile {
  /// The loss of the pass that `model` made last; NAN where the model has none.
  private func loss(of model: String) -> String { lossPlace.map { "\(model)->\($0)" } ?? "NAN" }

  private var lossPlace: String? {
    for layout in layouts
    where layout.layer.forwardArguments.contains(where: { $0.name == "loss" && $0.isWritten }) {
      return "\(layout.layer.name)[0].loss[0]"
    }
    return nil
  }

  var hasRouters: Bool { !plan.routers.isEmpty }

  /// Further fields of a pass over a batch, where there are more than every model has.
  private var replays: String {
    (hasRouters ? ", m->replay_tokens > 0" : "") + (keepsRows ? ", 0" : "")
  }

  /// One pass, and the library's functions that are one pass and nothing else.
  var running: String {
    """
    // Notes which experts had rows since the last update: m->used is read as the experts' first rows are.
    static void note_experts(moec_model *m) {
        for (int i = 0; i < MODEL_PARAMETERS; i++) {
            if (!m->start[i]) { continue; }
            int32_t *used = m->used + model_parameters[i].first_step + i, previous = 0;
            for (int e = 0; e < model_parameters[i].steps; e++) {
                int32_t was = m->batches ? used[e + 1] - previous : 0;
                previous = used[e + 1];
                used[e + 1] = used[e] + (was || m->start[i][e] < m->start[i][e + 1]);
            }
        }
    }

    static adamw_numbers numbers_of(const moec_hyper *h) {
        return (adamw_numbers){h->learning_rate, h->beta1, h->beta2, h->epsilon, h->weight_decay};
    }

    // Notes in which lane the last pass was made\(hasRouters ? ", and counts what its routers chose" : "").
    static void note_pass(moec_model *m, const moec_model *lane\(hasRouters ? ", const model_pass *pass" : "")) {
        m->last = lane;\(hasRouters ? "\n    routes_count(m, pass);" : "")
    }

    // Forward over a batch that take_batch has taken, and back through the model for gradients, or with h for a
    // step of AdamW, most of which is made on the way. Returns the loss. One that is not finite ends it before
    // anything is changed.
    static float train(moec_model *m, uint64_t seed, const moec_hyper *h) {
        model_pass pass = {MODEL_BATCH, MODEL_CONTEXT, 1, seed, m->tokens, m->targets, m->positions\(replays), 0};
        int before = enter(m);
        forward(m, &pass);
        note_pass(m, m\(hasRouters ? ", &pass" : ""));
        float loss = \(loss(of: "m"));
        if (isfinite(loss)) {
            const adamw_numbers step = h ? numbers_of(h) : (adamw_numbers){0};
            if (h) {
                note_experts(m);
                model_count_step(m);
            }
            \(hasUpdates ? "bind_updates(m, h ? &step : NULL);\n        " : "")backward(m, &pass);
            if (h) {
                model_update(m, &step, 0);
            }
            m->used_up = \(hasUpdates ? "h != NULL" : "0");
        }
        leave(before);
        return loss;
    }

    float moec_gradients(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
        if (take_batch(m, tokens, targets)) { return NAN; }
        m->batches = 0;
        return train(m, seed, NULL);
    }

    float moec_train_step(moec_model *m, const int32_t *tokens, const int32_t *targets, const moec_hyper *h) {
        if (take_batch(m, tokens, targets) || check_hyper(m, h)) { return NAN; }
        m->batches = 0;
        return train(m, h->seed, h);
    }
    """
  }

  /// Evaluation: passes that change nothing, as many at once as there are threads and lanes.
  var evaluation: String {
    let routed = hasRouters
    return """
      // One pass of evaluation in a lane; returns the loss.
      static float evaluate(moec_model *lane, const model_pass *pass) {
          int before = enter(lane);
          forward(lane, pass);
          leave(before);
          return \(loss(of: "lane"));
      }

      // How many passes are made at once: one by each thread, if there is a lane for every thread.
      static int passes_at_once(const moec_model *m) {
          int before = enter(m), threads = omp_get_max_threads();
          leave(before);
          return threads <= MODEL_LANES ? threads : 1;
      }

      int moec_losses(moec_model *m, int count, const int32_t *tokens, const int32_t *targets, const uint64_t *seeds,
                      float *losses) {
          if (!m) { return 1; }
          m->error[0] = 0;\(forgettingRows)
          if (count < 0) { return fail(m, "cannot take %d batches", count, 0); }
          if (!tokens || !targets || !seeds || !losses) {
              return fail(m, "tokens, targets, seeds or the place for losses are missing", 0, 0);
          }
          const size_t each = (size_t)MODEL_BATCH * MODEL_CONTEXT;
          if (check_batches(m, tokens, targets, (size_t)count * each)) { return 1; }
          model_pass pass[MODEL_LANES];
          for (int b = 0, most = passes_at_once(m), now; b < count; b += now) {
              // What is left over is shared out as one pass\(routed ? ", and so is one that is to take given experts" : "").
              now = count - b < most\(routed ? " || m->replay_tokens > 0" : "") ? 1 : most;
              for (int i = 0; i < now; i++) {
                  size_t first = (size_t)(b + i) * each;
                  pass[i] = (model_pass){MODEL_BATCH, MODEL_CONTEXT, 0, seeds[b + i], tokens + first, targets + first,
                                         m->positions\(replays), 0};
              }
              if (now == 1) {
                  losses[b] = evaluate(m, pass);
              } else {
                  #pragma omp parallel for num_threads(now) schedule(static, 1)
                  for (int i = 0; i < now; i++) { losses[b + i] = evaluate(m + i, pass + i); }
              }
              for (int i = b; i < b + now; i++) {
                  note_pass(m, m + (i - b)\(routed ? ", pass + (i - b)" : ""));
                  if (isfinite(losses[i])) { continue; }
                  while (++i < count) { losses[i] = NAN; }
                  return 0;
              }
          }
          return 0;
      }

      float moec_loss(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
          float loss;
          return moec_losses(m, 1, tokens, targets, &seed, &loss) ? NAN : loss;
      }
      """
  }

  /// Accumulation and the optimizer's step.
  var accumulation: String { Self.accumulation(forgettingRows) }

  private static func accumulation(_ forgetting: String) -> String {
    #"""
    int moec_set_decay(moec_model *m, int index, int decays) {
        if (!m) { return 1; }
        m->error[0] = 0;
        if (index < 0 || index >= MODEL_PARAMETERS) {
            return fail(m, "there is no parameter %d, only 0 ..< %d", index, MODEL_PARAMETERS);
        }
        m->decays[index] = decays != 0;
        return 0;
    }

    float moec_accumulate(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
        if (take_batch(m, tokens, targets)) { return NAN; }
        if (m->batches && !MODEL_ACCUMULATES) {
            fail(m, "this library takes one batch for each update: compile the model with --accumulate", 0, 0);
            return NAN;
        }
        size_t count = (ARENA_FIRST - ARENA_GRADIENTS) / sizeof(float);
        if (m->batches) { memcpy(m->sum, m->gradient, count * sizeof(float)); }
        float loss = train(m, seed, NULL);
        if (!isfinite(loss)) { return loss; }
        if (m->batches) {
            for (size_t i = 0; i < count; i++) { m->gradient[i] += m->sum[i]; }
        }
        note_experts(m);
        m->batches += 1;
        return loss;
    }

    // The L2 norm of all gradients; each parameter's squares are summed in order, whatever the threads.
    static double gradient_norm(moec_model *m) {
        #pragma omp parallel for schedule(static)
        for (int i = 0; i < MODEL_PARAMETERS; i++) {
            const float *gradient = m->gradient + model_parameters[i].offset;
            double sum = 0;
            for (size_t n = 0; n < model_parameters[i].stored; n++) { sum += (double)gradient[n] * gradient[n]; }
            m->square[i] = sum;
        }
        double sum = 0;
        for (int i = 0; i < MODEL_PARAMETERS; i++) { sum += m->square[i]; }
        return sqrt(sum);
    }

    float moec_update(moec_model *m, const moec_hyper *h, float max_norm) {
        if (!m) { return NAN; }
        m->error[0] = 0;\#(forgetting)
        if (check_hyper(m, h)) { return NAN; }
        if (isnan(max_norm)) {
            refuse(m, "max_norm", max_norm, "a number");
            return NAN;
        }
        if (!m->batches) {
            fail(m, "nothing was accumulated since the last update", 0, 0);
            return NAN;
        }
        int before = enter(m);
        double norm = gradient_norm(m) / m->batches;
        float scale = 1.0f / (float)m->batches;
        if (max_norm > 0 && norm + 1e-6 > max_norm) { scale *= (float)(max_norm / (norm + 1e-6)); }
        if (isfinite(norm)) {
            size_t count = (ARENA_FIRST - ARENA_GRADIENTS) / sizeof(float);
            for (size_t i = 0; scale != 1 && i < count; i++) { m->gradient[i] *= scale; }
            const adamw_numbers step = numbers_of(h);
            model_count_step(m);
            model_update(m, &step, 1);
        }
        m->batches = 0;
        leave(before);
        return (float)norm;
    }
    """#
  }

  /// Where numbers that are not finite began.
  var firstBad: String {
    let checks = plan.uses.flatMap { use -> [String] in
      let layer = plan.layers[use.layer]
      let name = use.scope.isEmpty ? layer.name : use.scope
      return layer.forwardArguments.filter { $0.isWritten && $0.type.element == .f32 }.map {
        argument in
        let place = "last->\(layer.name)[\(use.instance)].\(CNames.identifier(argument.name))"
        return
          "    if (!all_finite(\(place), (size_t)\(argument.type.count))) { return \(CNames.literal(name)); }"
      }
    }
    return """
      static int all_finite(const float *x, size_t count) {
          for (size_t i = 0; i < count; i++) { if (!isfinite(x[i])) { return 0; } }
          return 1;
      }

      const char *moec_first_bad(const moec_model *m) {
          if (!m) { return NULL; }
          for (int i = 0; i < MODEL_PARAMETERS; i++) {
              const model_parameter *q = &model_parameters[i];
              if (!all_finite(m->value + q->offset, q->stored)) { return q->name; }
          }
      \(checks.isEmpty ? "" : "    const moec_model *last = m->last;\n")\(checks.joined(separator: "\n"))
          return NULL;
      }
      """
  }

  var manifest: String {
    """
    const char *moec_manifest(void) {
        return
    \(ManifestText(context).literal);
    }
    """
  }
}
