import GraphIR
import Planning
import Words

/// `model.h`: axes, one pass, and each layer's structs and functions.
struct ModelHeader {
  let context: Context
  private var plan: Plan { context.plan }

  init(_ context: Context) { self.context = context }

  var file: GeneratedFile {
    let parts =
      [opening, axes, pass, self.parts] + plan.layers.map(layer) + [model, arena, closing]
    let text = parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    return GeneratedFile(path: "model.h", text: text)
  }

  private var opening: String {
    """
    \(context.heading("model.h"))
    //
    // Axes, layers and memory of \(context.name).
    #ifndef MODEL_H
    #define MODEL_H

    #include <stddef.h>
    #include <stdint.h>

    #include "kernels/adamw.h"
    #include "kernels/threads.h"

    // Only the functions of moec_model.h can be seen from outside of the library.
    #pragma GCC visibility push(hidden)
    """
  }

  private var closing: String { "#pragma GCC visibility pop\n#endif" }

  private var axes: String {
    let graph = plan.graph
    let meaning = [
      (graph.batch, "sequences in a batch"), (graph.context, "tokens in a sequence, the context"),
      (graph.vocabulary, "vocabulary"),
    ]
    let lines = graph.symbols.map { symbol in
      let entry = "    \(CNames.axis(symbol.name)) = \(symbol.size),"
      let note = meaning.first { $0.0 == Axis(symbol.name, symbol.size) }?.1
      return note.map { entry.padded(to: 20) + "// " + $0 } ?? entry
    }
    return (["enum {"] + lines + ["};"]).joined(separator: "\n")
  }

  private var hasRouters: Bool { !plan.routers.isEmpty }

  private var pass: String {
    let replays =
      hasRouters
      ? "\n    int replays;                // routers take the experts that they are given" : ""
    let past =
      context.generation.cache == nil
      ? ""
      : "\n    int past;                   // earlier tokens of the sequence, computed by passes before"
    return Self.pass(replays, past)
  }

  private static func pass(_ replays: String, _ past: String) -> String {
    """
    // One pass over the model: what it works on, and how.
    typedef struct {
        int sequences, length;      // at most the model's batch and context
        int training;               // dropout is on, and what backward reads is kept
        uint64_t seed;              // of dropout and router noise
        const int32_t *tokens;      // [sequences, length]
        const int32_t *targets;     // [sequences, length]; NULL: no loss is asked for
        const int32_t *positions;   // [length]: 0, 1, 2, ...\(replays)
        int first;                  // where these sequences begin, in a thread's part of a batch\(past)
    } model_pass;
    """
  }

  /// How threads divide a batch, where they do.
  private var parts: String {
    let divides = context.plan.layers.contains { layer in
      (layer.forwardRuns + layer.backwardRuns).contains { $0.kind == .bySequence }
    }
    return divides ? Self.parts : ""
  }

  private static let parts = """
    // Whether threads have equal work if each takes sequences of its own.
    static inline int pass_divides(const model_pass *pass) {
        int threads = omp_get_max_threads();
        return pass->sequences % threads == 0 || pass->sequences >= 8 * threads;
    }

    // The calling thread's own sequences; all of them outside of a team.
    static inline model_pass pass_part(const model_pass *pass) {
        int thread = omp_get_thread_num(), threads = omp_get_num_threads();
        model_pass own = *pass;
        own.first = block_start(thread, pass->sequences, threads);
        own.sequences = block_start(thread + 1, pass->sequences, threads) - own.first;
        own.tokens += (size_t)own.first * pass->length;
        if (own.targets) { own.targets += (size_t)own.first * pass->length; }
        return own;
    }
    """

  private var routes: String {
    guard hasRouters else { return "" }
    return """

      \("    model_routes routes;".padded(to: 47))// what the routers chose
      \("    int replay_tokens;".padded(to: 47))// of the choices that the next pass takes; 0: it has its own
      """
  }

  private var kept: String {
    if context.generation.cache == nil { return "" }
    return "\n" + "    int kept;".padded(to: 47)
      + "// of tokens: the first so many are those of the last moec_logits"
  }

  private var model: String {
    let fields = layouts.map { layout in
      "    \(layout.layer.name)_use \(layout.layer.name)[\(layout.uses.count)];"
    }
    let scratch = layouts.filter(\.hasScratch).map { layout in
      "    \(layout.layer.name)_scratch \(layout.layer.name)_t;"
    }
    return """
      // ---- the model ---------------------------------------------------------------------------

      enum { MODEL_PARAMETERS = \(plan.parameters.count), MODEL_STEPS = \(plan.parameters.reduce(0) { $0 + $1.stepCount }),
             MODEL_BATCH = \(plan.graph.batch.size), MODEL_CONTEXT = \(plan.graph.context.size), MODEL_VOCABULARY = \(plan.graph.vocabulary.size),
             MODEL_ACCUMULATES = \(plan.accumulates ? 1 : 0),
             MODEL_LANES = \(plan.lanes.count) };  // room for so many passes of evaluation at once

      // A parameter's shape and place. Stacked weights are [stack, outputs, inputs]; in panels, element
      // (o, i) of a matrix is at (o / 16) * inputs * 16 + i * 16 + o % 16, padding outputs are 0.
      typedef struct {
          const char *name;
          int stack, outputs, inputs;
          int panels;                 // 1: in panels of 16 outputs, 0: row-major
          size_t offset, stored;      // floats from the first parameter, and how many with padding
          int steps, first_step;      // step counts: one, or one for each expert
          int learns, decays;         // has a gradient; weight decay applies
          int in_backward;            // updated there, as soon as its gradient is made
          int distribution;           // 0 constant, 1 normal, 2 uniform
          float scale;                // the constant, the standard deviation, the bound
      } model_parameter;

      extern const model_parameter model_parameters[MODEL_PARAMETERS];

      \(layouts.map(\.declaration).joined(separator: "\n\n"))
      \(hasRouters ? "\n" + RoutesFile(context: context).declarations + "\n" : "")
      // A model, or one of its further lanes: these lie behind it, and share all but what a pass writes.
      struct moec_model {
          float *value, *gradient, *first, *second;  // parameters and what training keeps beside them
          float *steps;                              // [MODEL_STEPS] of AdamW
          const int32_t *start[MODEL_PARAMETERS];    // experts' first rows, for weights stacked by expert
      \((fields + scratch).joined(separator: "\n"))
          int32_t *tokens, *targets, *positions;     // [B, T], [B, T], [T]\(kept)
          int batches;                               // accumulated since the last update
          int used_up;                               // gradients went into an update and were not kept
          float *sum;                                // their gradients, while the next are computed
          int32_t used[MODEL_STEPS + MODEL_PARAMETERS];  // which experts had rows in them
          int decays[MODEL_PARAMETERS];              // weight decay applies\(routes)
          double square[MODEL_PARAMETERS];           // of each parameter's gradient, for their norm
          int threads;                               // 0: as many as OpenMP likes
          int process;                               // that made the model, where it must be known
          const struct moec_model *last;             // the lane of the last pass: this one, or one behind it
          char error[160];
          void *allocation;
      };

      // adamw.c: an update counts its step first, then changes every parameter that has a gradient.
      // Those that backward has changed already are left out if asked.
      void model_count_step(struct moec_model *m);
      void model_update(struct moec_model *m, const adamw_numbers *step, int in_backward_too);

      // What backward needs to update parameter i; step NULL: nothing, only gradients are wanted.
      weight_update model_weight_update(const struct moec_model *m, int i, const adamw_numbers *step);
      """
  }

  private var layouts: [LayerUseLayout] { context.layouts }

  private func layer(_ layer: Layer) -> String {
    var parts = [
      "// ---- \(layer.name) " + String(repeating: "-", count: max(4, 92 - layer.name.count)), "",
    ]
    parts += Self.structure(
      "\(layer.name)_params", "Parameters, and in the same form their gradients.",
      layer.parameters.map { (CNames.field($0.field), $0.type) })
    parts += Self.structure(
      "\(layer.name)_updates", "Weights that backward updates as soon as their gradient is there.",
      layer.updateGroups.sorted { $0.lowerBound < $1.lowerBound }.map { weights in
        let first = layer.parameters[weights.lowerBound]
        let count = weights.count > 1 ? "[\(weights.count)]" : ""
        return (CNames.field(first.field) + count, first.type)
      }, element: "weight_update ")
    parts += Self.structure(
      "\(layer.name)_saved", "Kept from forward to backward.",
      layer.saved.map { (CNames.field($0.name), $0.type) })
    parts += Self.structure(
      "\(layer.name)_scratch", "Overwritten within forward or backward; buffers may overlap.",
      (layer.forwardScratch + layer.backwardScratch).map { (CNames.field($0.name), $0.type) })
    for phase in [Phase.forward, .backward] {
      let signature = LayerSignature(layer, phase, of: plan)
      if !signature.calls.isEmpty { parts.append(signature.head(";")) }
    }
    return parts.joined(separator: "\n")
  }

  private static func structure(
    _ name: String, _ comment: String, _ fields: [(name: String, type: TensorType)],
    element: String? = nil
  ) -> [String] {
    if fields.isEmpty { return [] }
    let lines = fields.map { field in
      "    \(element ?? CNames.element(field.type) + " *")\(field.name);".padded(to: 44)
        + "// \(CNames.shape(field.type))"
    }
    return ["// \(comment)", "typedef struct {"] + lines + ["} \(name);", ""]
  }
}
