import CKernels
import GraphIR
import Planning
import Words

/// `model.h`: axes, one pass, and what is known of a model beside its layers.
struct ModelHeader {
  let context: Context
  private var plan: Plan { context.plan }

  init(_ context: Context) { self.context = context }

  var file: GeneratedFile {
    let parts = [opening, axes, pass, self.parts, experts] + [model, closing]
    let text = parts.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    return GeneratedFile(path: "model.h", text: text)
  }

  private var opening: String {
    """
    \(context.heading("model.h"))
    //
    // Axes of \(context.name), and what all of its files know of it.
    #ifndef MODEL_H
    #define MODEL_H

    #include <stddef.h>
    #include <stdint.h>

    #include "kernels/adamw.h"\(panels)
    #include "kernels/threads.h"

    // Only the functions of moec_model.h can be seen from outside of the library.
    #pragma GCC visibility push(hidden)
    """
  }

  private var panels: String { plan.sharesExperts ? "\n#include \"kernels/panels.h\"" : "" }

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
    let documents =
      takesDocuments
      ? "\n    const int32_t *beginnings;  // [sequences, length]: of each token's document; NULL: a sequence is one"
      : ""
    let past =
      context.generation.cache == nil
      ? ""
      : "\n    int past;                   // earlier tokens of the sequence, computed by passes before"
    let update =
      plan.sharesExperts
      ? "\n    struct update_state *update;  // the way to the ranks that share out the experts"
      : ""
    return Self.pass(documents, replays, past + update)
  }

  /// How rows travel to the ranks of their experts, where they do.
  private var experts: String {
    if !plan.sharesExperts { return "" }
    return String(context.runtime.resolved(runtime_expert_ranks_h()).dropLast())
  }

  private static func pass(
    _ documents: String, _ replays: String, _ past: String
  ) -> String {
    """
    // One pass over the model: what it works on, and how.
    typedef struct {
        int sequences, length;      // at most the model's batch and context
        int training;               // dropout is on, and what backward reads is kept
        uint64_t seed;              // of dropout and router noise
        const int32_t *tokens;      // [sequences, length]
        const int32_t *targets;     // [sequences, length], below 0: ignored; NULL: no loss is asked for
        const int32_t *positions;   // [length]: 0, 1, 2, ...\(documents)\(replays)
        int first;                  // where these sequences begin, in a thread's part of a batch\(past)
    } model_pass;
    """
  }

  /// How threads divide a batch, where they do.
  private var parts: String {
    let divides = context.plan.layers.contains { layer in
      (layer.forwardRuns + layer.backwardRuns).contains { $0.kind == .bySequence }
    }
    return divides ? Self.parts(takesDocuments) : ""
  }

  private var takesDocuments: Bool { plan.graph.takesDocuments }

  private static func parts(_ takesDocuments: Bool) -> String {
    let documents =
      takesDocuments
      ? "\n    if (own.beginnings) { own.beginnings += (size_t)own.first * pass->length; }" : ""
    return """
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
          if (own.targets) { own.targets += (size_t)own.first * pass->length; }\(documents)
          return own;
      }
      """
  }

  private var rowNumber: String {
    guard context.reorders else { return "" }
    return "\n" + "    int drawn_as;".padded(to: 32)
      + "// of the use's parameters, as the model makes them"
  }

  private var number: String {
    guard context.reorders else { return "" }
    return "\n" + "    int drawn_as;".padded(to: 32)
      + "// of the model's parameters: of that random stream are its first values"
  }

  private var routes: String {
    guard hasRouters else { return "" }
    return """

      \("    model_routes routes;".padded(to: 47))// what the routers chose
      \("    int replay_tokens;".padded(to: 47))// of the choices that the next pass takes; 0: it has its own
      """
  }

  private var router: String {
    guard hasRouters else { return "" }
    return "\n" + "    const model_router *router;".padded(to: 47) + "// [MODEL_ROUTERS]"
  }

  private var routerTable: String {
    hasRouters ? "\n    model_router router[MODEL_ROUTERS + 1];" : ""
  }

  /// The bytes of the longest name that a parameter, a router or a layer has.
  private var longestName: Int {
    let names =
      plan.parameters.map(\.name) + plan.routers.map(\.name) + plan.uses.map(\.scope)
      + plan.layers.map(\.name)
    return names.map(\.utf8.count).max() ?? 0
  }

  private var beginnings: String {
    if !takesDocuments { return "" }
    return "\n" + "    int32_t *beginnings;".padded(to: 47)
      + "// [documents, B, T]: of each token's document\n"
      + "    int documents, documents_room;".padded(to: 47)
      + "// batches for which they are given, 0: each row is one; and for which there is room"
  }

  private var kept: String {
    if context.generation.cache == nil { return "" }
    return "\n" + "    int kept;".padded(to: 47)
      + "// of tokens: the first so many are those of the last moec_logits"
  }

  private var hasStates: Bool { context.hasStates }

  private var stateNote: String { hasStates ? ", STATE: a rule updates it" : "" }

  private var rankNote: String { plan.sharesExperts ? ", BY_RANK: ranks share it out" : "" }

  private var own: String {
    if !plan.sharesExperts { return "" }
    return "\n" + "    size_t own;".padded(to: 32)
      + "// the first number of the experts that this rank has"
  }

  private var next: String {
    if !hasStates { return "" }
    return "\n" + "    float *next;".padded(to: 32)
      + "// of a state: what its rule made since the last update, added up"
  }

  private var nextStates: String {
    if !hasStates { return "" }
    return "\n" + "    float *next;".padded(to: 47)
      + "// what the rules of all states made, added up"
  }

  private var made: String {
    if !hasStates { return "" }
    return "\n" + "    const float *made[MODEL_PARAMETERS];".padded(to: 47)
      + "// what the states' rules made in the last pass" + signStep
  }

  private var signStep: String {
    if !context.hasSignSteps { return "" }
    return "\n" + "    float sign_step[MODEL_PARAMETERS];".padded(to: 47)
      + "// how far a state moves by its rule's sign; 0: it becomes what the rule made"
  }

  private var model: String {
    """
    // ---- the model ---------------------------------------------------------------------------

    enum { MODEL_PARAMETERS = \(plan.parameters.count), MODEL_STEPS = \(plan.parameters.reduce(0) { $0 + ($1.steps?.count ?? 0) }),
           MODEL_BATCH = \(plan.graph.batch.size), MODEL_CONTEXT = \(plan.graph.context.size), MODEL_VOCABULARY = \(plan.graph.vocabulary.size),
           MODEL_ACCUMULATES = \(plan.accumulates ? 1 : 0),
           MODEL_NAME = \(longestName + 1) };  // bytes of the longest name, and its end

    // A parameter of a layer. Weights stacked by expert are [stack, outputs, inputs]; in panels, element (o, i)
    // of a matrix is at (o / 16) * inputs * 16 + i * 16 + o % 16, padding outputs are 0.
    typedef struct {
        const char *name;
        int stack, outputs, inputs;
        int holds;                  // PANELS, LEARNS: has a gradient, DECAYS, IN_BACKWARD: is updated there\(stateNote)\(rankNote)
        int steps;                  // step counts: one, or one for each expert
        int distribution;           // of first values: CONSTANT, NORMAL, UNIFORM
        float scale;                // the constant, the standard deviation, the bound\(rowNumber)
    } model_parameter_row;

    enum { PANELS = 1, LEARNS = 2, DECAYS = 4, IN_BACKWARD = 8\(hasStates ? ", STATE = 16" : "")\(plan.sharesExperts ? ", BY_RANK = 32" : "") };
    enum { CONSTANT, NORMAL, UNIFORM };

    // A parameter of a use of a layer, and where all of it lies; what has no gradient has only a value.
    typedef struct {
        model_parameter_row row;
        const char *scope;          // the path of the use, `use` its number behind that; -1: none
        int use, begins;            // whether it is the first of that use
        size_t stored;              // how many numbers it has, with padding
        float *value, *gradient;
        float *first, *second;      // AdamW's moments
        float *steps;               // AdamW's step counts
        int first_step;             // which they are of all\(next)\(number)\(own)
    } model_parameter;

    \(hasRouters ? "\n" + RoutesFile(context: context).declarations + "\n" : "")
    // What is listed once for all lanes, with room for where the next would begin.
    typedef struct {
        model_parameter parameter[MODEL_PARAMETERS + 1];\(routerTable)
    } model_tables;

    // A model, or one of its further lanes: these lie behind it, and share all but what a pass writes.
    struct moec_model {
        const model_parameter *parameter;          // [MODEL_PARAMETERS]\(router)
        const int32_t *start[MODEL_PARAMETERS];    // experts' first rows, for weights stacked by expert\(made)
        struct model_layers *layers;               // model.c: where their uses have everything
        int32_t *tokens, *targets, *positions;     // [B, T], [B, T], [T]\(beginnings)\(kept)
        int counted;                               // targets of the last batch of training that are not ignored
        int batches;                               // accumulated since the last update
        int64_t all_counted;                       // of all of them, targets that are not ignored
        int used_up;                               // gradients went into an update and were not kept
        float *gradient;                           // all gradients\(nextStates)
        int32_t used[MODEL_STEPS + MODEL_PARAMETERS];  // which experts had rows in them
        int decays[MODEL_PARAMETERS];              // weight decay applies\(routes)
        struct update_state *update;               // update.h: what belongs to updates of several batches
        int threads;                               // 0: as many as OpenMP likes
        int process;                               // that made the model, where it must be known
        const struct moec_model *last;             // the lane of the last pass: this one, or one behind it
        char error[160];
        char name[MODEL_NAME];                     // of what was asked for last
        void *allocation;
        size_t allocated;                          // bytes of it
    };

    // adamw.c: an update counts its step first, then changes every parameter that has a gradient.
    // Those that backward has changed already are left out if asked.
    void model_count_step(struct moec_model *m);
    void model_update(struct moec_model *m, const adamw_numbers *step, int in_backward_too);

    // The same for the numbers first ..< end of parameter i, as they lie.
    void model_update_part(struct moec_model *m, int i, const adamw_numbers *step, size_t first, size_t end);

    // What backward needs to update parameter i; step NULL: nothing, only gradients are wanted.
    weight_update model_weight_update(const struct moec_model *m, int i, const adamw_numbers *step);
    """
  }
}
