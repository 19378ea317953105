import GraphIR
import Planning

/// `model.c`: how the layers connect, and the functions of the library's interface.
struct ModelFile {
  let context: Context
  private var plan: Plan { context.plan }

  init(_ context: Context) { self.context = context }

  var file: GeneratedFile {
    let parts =
      [heading, includes, parameters] + layouts.map(LayerBinding.init).flatMap(\.functions)
      + [places, bind, forward, backward, Self.checks, lifetime, Self.access, passes, manifest]
    return GeneratedFile(path: "model.c", text: parts.joined(separator: "\n\n") + "\n")
  }

  private var layouts: [LayerUseLayout] {
    plan.layers.indices.map { LayerUseLayout(layer: plan.layers[$0], uses: context.uses(of: $0)) }
  }

  private var heading: String {
    let counts = plan.parameters.reduce(0) { $0 + $1.type.count }
    return """
      \(context.heading("model.c"))
      //
      // \(context.name): \(counts.grouped) parameters, \(plan.activeParameters.grouped) of them active for a token.
      // Memory: \(plan.memory.total.grouped) bytes in one arena; plan.txt shows every buffer, graph.txt every op.
      //
      // To build the library from this folder:
      //
      //   \(context.options.compilerLine)
      """
  }

  private var includes: String {
    """
    #include "model.h"
    #include "moec_model.h"
    #include "kernels/panels.h"
    #include "kernels/random.h"

    #include <stdio.h>
    #include <stdlib.h>

    // Declared here because not every compiler that knows the pragmas has omp.h.
    #ifdef _OPENMP
    void omp_set_num_threads(int count);
    int omp_get_max_threads(void);
    #endif

    // Places in the arena, in bytes from its start.
    #define ARENA_GRADIENTS ((size_t)\(plan.regions.gradients))
    #define ARENA_FIRST     ((size_t)\(plan.regions.firstMoments))
    #define ARENA_SECOND    ((size_t)\(plan.regions.secondMoments))
    #define ARENA_STEPS     ((size_t)\(plan.regions.steps))
    #define ARENA_SCRATCH   ((size_t)\(plan.regions.scratch))
    #define ARENA_TOKENS    ((size_t)\(plan.regions.tokens))
    #define ARENA_TARGETS   ((size_t)\(plan.regions.targets))
    #define ARENA_POSITIONS ((size_t)\(plan.regions.positions))
    #define ARENA_BYTES     ((size_t)\(plan.regions.total))
    """
  }
}

extension ModelFile {
  private var parameters: String {
    let rows = plan.parameters.enumerated().map { index, parameter in
      "    \(Self.row(parameter)),".padded(to: 84) + "// \(index) \(parameter.name)"
    }
    let note = "    // stack, outputs, inputs, panels, offset, stored, steps, first, learns, decays, distribution, scale"
    // C has no empty arrays; a model without parameters still gets its one table.
    return (["const model_parameter model_parameters[MODEL_PARAMETERS] = {", note] + rows + ["};"])
      .joined(separator: "\n")
  }

  private static func row(_ parameter: PlannedParameter) -> String {
    let (stack, outputs, inputs, panels) = matrix(parameter)
    let (distribution, scale) = initial(parameter.initializer)
    let numbers = [
      stack, outputs, inputs, panels, parameter.offset,
      parameter.layout.storedCount(parameter.type.count), parameter.stepCount,
      parameter.stepOffset, parameter.hasGradient ? 1 : 0, parameter.decays ? 1 : 0, distribution,
    ]
    return "{" + (numbers.map(String.init) + [CNames.float(scale)]).joined(separator: ", ") + "}"
  }

  private static func matrix(_ parameter: PlannedParameter) -> (Int, Int, Int, Int) {
    switch parameter.layout {
    case .rowMajor: (1, parameter.type.rows, parameter.type.width, 0)
    case .panels(let stack, let outputs, let inputs): (stack, outputs, inputs, 1)
    }
  }

  private static func initial(_ initializer: Initializer) -> (Int, Double) {
    switch initializer.distribution {
    case .constant(let value): (0, value)
    case .normal(let deviation): (1, deviation)
    case .uniform(let bound): (2, bound)
    }
  }

  /// For every use: first parameter, first stream, and its buffers' places.
  private var places: String {
    layouts.map { layout in
      let names = layout.connections.map { CNames.identifier($0.name) }
      let fields = (layout.hasSaved ? ["saved"] : []) + names
      let rows = layout.uses.indices.map { use in
        let connections = layout.connections.map { place(ofEdge: $0.edges[use]) }
        let saved = layout.hasSaved ? [plan.regions.saved + layout.uses[use].savedOffset] : []
        let numbers = [layout.uses[use].firstParameter, layout.uses[use].firstStream] + saved + connections
        return "    {" + numbers.map(String.init).joined(separator: ", ") + "},"
      }
      let declared = fields.isEmpty ? "" : " size_t " + fields.joined(separator: ", ") + ";"
      return """
        // Where each use of \(layout.layer.name) has its parameters, random streams and buffers (in bytes).
        static const struct { int first, stream;\(declared) } \(layout.layer.name)_places[] = {
        \(rows.joined(separator: "\n"))
        };
        """
    }.joined(separator: "\n\n")
  }

  private func place(ofEdge index: Int) -> Int {
    let edge = plan.edges[index]
    let region = edge.role == .activation ? plan.regions.saved : plan.regions.edgeGradients
    return region + edge.offset
  }

  private var bind: String {
    let blocks = layouts.flatMap(bindLines).map { "    " + $0 }
    return """
      // Points everything at its place in the arena.
      static void bind(moec_model *m, char *arena) {
          m->value = (float *)arena;
          m->gradient = (float *)(arena + ARENA_GRADIENTS);
          m->first = (float *)(arena + ARENA_FIRST);
          m->second = (float *)(arena + ARENA_SECOND);
          m->steps = (float *)(arena + ARENA_STEPS);
          m->tokens = (int32_t *)(arena + ARENA_TOKENS);
          m->targets = (int32_t *)(arena + ARENA_TARGETS);
          m->positions = (int32_t *)(arena + ARENA_POSITIONS);
      \(blocks.joined(separator: "\n"))
      }
      """
  }

  private func bindLines(_ layout: LayerUseLayout) -> [String] {
    let name = layout.layer.name
    var lines = ["for (int l = 0; l < \(layout.uses.count); l++) {", "    \(name)_use *u = &m->\(name)[l];"]
    if layout.hasParameters {
      lines.append("    \(name)_bind_params(&u->p, m->value, \(name)_places[l].first);")
      lines.append("    \(name)_bind_params(&u->g, m->gradient, \(name)_places[l].first);")
    }
    if layout.hasSaved { lines.append("    \(name)_bind_saved(&u->s, arena + \(name)_places[l].saved);") }
    lines += layout.connections.map { connection in
      let field = CNames.identifier(connection.name)
      return "    u->\(field) = (\(CNames.element(connection.type)) *)(arena + \(name)_places[l].\(field));"
    }
    lines += layout.layer.borrowed.enumerated().map { index, parameter in
      "    u->\(CNames.identifier(parameter.field)) = m->value + model_parameters[\(layout.uses[0].borrowed[index])].offset;"
    }
    lines.append("    u->stream = \(name)_places[l].stream;")
    lines += layout.layer.parameters.enumerated().compactMap { index, parameter in
      parameter.start.map { start in
        "    m->start[\(name)_places[l].first + \(index)] = u->s.\(CNames.identifier(layout.layer.saved[start].name));"
      }
    }
    lines.append("}")
    if layout.hasScratch { lines.append("\(name)_bind_scratch(&m->\(name)_t, arena + ARENA_SCRATCH);") }
    return lines
  }
}

extension ModelFile {
  private var forward: String {
    """
    // Runs all layers; the loss is computed if the pass has targets.
    static void forward(moec_model *m, const model_pass *pass) {
    \(runs(.forward))
    }
    """
  }

  private var backward: String {
    """
    // Gradients of all parameters, layer by layer in reverse.
    static void backward(moec_model *m, const model_pass *pass) {
    \(runs(.backward))
    }
    """
  }

  /// Calls of all layers; neighbouring uses of one layer are a loop.
  private func runs(_ phase: Phase) -> String {
    var groups: [(layer: Int, first: Int, count: Int)] = []
    for use in plan.uses {
      if let last = groups.last, last.layer == use.layer, last.first + last.count == use.instance {
        groups[groups.count - 1].count += 1
      } else {
        groups.append((use.layer, use.instance, 1))
      }
    }
    if phase == .backward { groups.reverse() }
    let lines = groups.flatMap { run($0, phase) }
    let mentionsPass = lines.contains { $0.contains("pass") }
    return ((mentionsPass ? [] : ["    (void)pass;"]) + lines).joined(separator: "\n")
  }

  private func run(_ group: (layer: Int, first: Int, count: Int), _ phase: Phase) -> [String] {
    let layout = layouts[group.layer]
    let signature = LayerSignature(
      layout.layer, phase, batch: plan.graph.batch, context: plan.graph.context)
    if signature.calls.isEmpty { return [] }
    let name = layout.layer.name
    let call = PointwiseFunction.wrapped(
      "\(signature.functionName)(", layout.arguments(signature), ");").map { "        " + $0 }
    let last = group.first + group.count - 1
    let loop = phase == .forward
      ? "for (int l = \(group.first); l <= \(last); l++) {" : "for (int l = \(last); l >= \(group.first); l--) {"
    return ["    \(loop)", "        \(name)_use *u = &m->\(name)[l];"] + call + ["    }"]
  }

  private var lossPlace: String {
    for layout in layouts {
      if layout.layer.forwardArguments.contains(where: { $0.name == "loss" && $0.isWritten }) {
        return "m->\(layout.layer.name)[0].loss[0]"
      }
    }
    return "NAN"
  }

  private var logitsPlace: String? {
    layouts.first { $0.layer.forwardArguments.contains { $0.name == "logits" && $0.isWritten } }
      .map { "m->\($0.layer.name)[0].logits" }
  }

  private static let checks = #"""
    static int fail(moec_model *m, const char *message, int value, int limit) {
        snprintf(m->error, sizeof m->error, message, value, limit);
        return 1;
    }

    // Copies ids in after a look at each: one outside of 0 ..< V would read outside of a table.
    static int take_ids(moec_model *m, int32_t *to, const int32_t *from, int count, const char *message) {
        for (int i = 0; i < count; i++) {
            if (from[i] < 0 || from[i] >= MODEL_VOCABULARY) { return fail(m, message, from[i], MODEL_VOCABULARY); }
            to[i] = from[i];
        }
        return 0;
    }

    static int take_batch(moec_model *m, const int32_t *tokens, const int32_t *targets) {
        m->error[0] = 0;
        if (!tokens || !targets) { return fail(m, "tokens or targets are missing", 0, 0); }
        int count = MODEL_BATCH * MODEL_CONTEXT;
        return take_ids(m, m->tokens, tokens, count, "token %d is outside of the vocabulary, 0 ..< %d")
            || take_ids(m, m->targets, targets, count, "target %d is outside of the vocabulary, 0 ..< %d");
    }

    // Sets the number of threads for one call of the interface, and sets it back.
    static int enter(const moec_model *m) {
    #ifdef _OPENMP
        int before = omp_get_max_threads();
        if (m->threads > 0) { omp_set_num_threads(m->threads); }
        return before;
    #else
        (void)m;
        return 1;
    #endif
    }

    static void leave(int before) {
    #ifdef _OPENMP
        omp_set_num_threads(before);
    #else
        (void)before;
    #endif
    }
    """#

  private var lifetime: String {
    #"""
    int moec_abi(void) { return MOEC_ABI; }

    moec_model *moec_create(void) {
        size_t head = (sizeof(moec_model) + 63) / 64 * 64;
        char *allocation = calloc(1, head + ARENA_BYTES + 64);
        if (!allocation) { return NULL; }
        char *start = allocation + (64 - (uintptr_t)allocation % 64) % 64;
        moec_model *m = (moec_model *)start;
        m->allocation = allocation;
        bind(m, start + head);
        for (int t = 0; t < MODEL_CONTEXT; t++) { m->positions[t] = t; }
        return m;
    }

    void moec_destroy(moec_model *m) {
        if (m) { free(m->allocation); }
    }

    int moec_set_threads(moec_model *m, int count) {
        m->error[0] = 0;
        if (count < 1 || count > 4096) { return fail(m, "cannot use %d threads, only 1 to %d", count, 4096); }
        m->threads = count;
        return 0;
    }

    const char *moec_error(const moec_model *m) { return m->error; }
    """#
  }

  private static let access = #"""
    // Where element n of a parameter's logical row-major order is stored.
    static size_t stored_index(const model_parameter *q, size_t n) {
        if (!q->panels) { return n; }
        size_t each = (size_t)q->outputs * q->inputs, e = n / each, rest = n % each;
        size_t o = rest / q->inputs, i = rest % q->inputs;
        return e * panels_size(q->outputs, q->inputs) + o / 16 * q->inputs * 16 + i * 16 + o % 16;
    }

    static size_t logical_count(const model_parameter *q) {
        return (size_t)q->stack * q->outputs * q->inputs;
    }

    void moec_initialize(moec_model *m, uint64_t seed) {
        m->error[0] = 0;
        memset(m->value, 0, ARENA_SCRATCH);  // gradients, moments, counts and padding too
        int before = enter(m);
        for (int i = 0; i < MODEL_PARAMETERS; i++) {
            const model_parameter *q = &model_parameters[i];
            float *value = m->value + q->offset;
            uint64_t key = random_key(seed, (uint64_t)i);
            int count = (int)logical_count(q);
            #pragma omp parallel for schedule(static) if (count > 65536)
            for (int n = 0; n < count; n++) {
                float drawn = 1;
                if (q->distribution == 1) { drawn = random_normal(key, (uint32_t)n); }
                if (q->distribution == 2) { drawn = 2 * random_uniform(key, (uint32_t)n) - 1; }
                value[stored_index(q, (size_t)n)] = q->scale * drawn;
            }
        }
        leave(before);
    }

    // The tensor that kind and index name, and its element count; NULL if there is none.
    static float *tensor(const moec_model *m, int kind, int index, size_t *count) {
        if (index < 0 || index >= MODEL_PARAMETERS) { return NULL; }
        const model_parameter *q = &model_parameters[index];
        *count = kind == MOEC_STEPS ? (size_t)q->steps : logical_count(q);
        switch (kind) {
        case MOEC_VALUE: return m->value + q->offset;
        case MOEC_GRADIENT: return m->gradient + q->offset;
        case MOEC_FIRST_MOMENT: return m->first + q->offset;
        case MOEC_SECOND_MOMENT: return m->second + q->offset;
        case MOEC_STEPS: return m->steps + q->first_step;
        default: return NULL;
        }
    }

    int moec_read(const moec_model *m, int kind, int index, float *out) {
        size_t count = 0;
        const float *from = tensor(m, kind, index, &count);
        if (!from || !out) { return 1; }
        const model_parameter *q = &model_parameters[index];
        for (size_t n = 0; n < count; n++) { out[n] = from[kind == MOEC_STEPS ? n : stored_index(q, n)]; }
        return 0;
    }

    int moec_write(moec_model *m, int kind, int index, const float *in) {
        m->error[0] = 0;
        size_t count = 0;
        float *to = tensor(m, kind, index, &count);
        if (!to || !in) { return fail(m, "there is no tensor of kind %d and index %d", kind, index); }
        const model_parameter *q = &model_parameters[index];
        for (size_t n = 0; n < count; n++) { to[kind == MOEC_STEPS ? n : stored_index(q, n)] = in[n]; }
        return 0;
    }
    """#

  private var passes: String {
    """
    // One pass over a batch that take_batch has taken; returns the loss.
    static float run(moec_model *m, int training, uint64_t seed) {
        model_pass pass = {MODEL_BATCH, MODEL_CONTEXT, training, seed, m->tokens, m->targets, m->positions};
        int before = enter(m);
        forward(m, &pass);
        if (training) { backward(m, &pass); }
        leave(before);
        return \(lossPlace);
    }

    float moec_gradients(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
        return take_batch(m, tokens, targets) ? NAN : run(m, 1, seed);
    }

    float moec_loss(moec_model *m, const int32_t *tokens, const int32_t *targets, uint64_t seed) {
        return take_batch(m, tokens, targets) ? NAN : run(m, 0, seed);
    }

    float moec_train_step(moec_model *m, const int32_t *tokens, const int32_t *targets, const moec_hyper *h) {
        float loss = moec_gradients(m, tokens, targets, h->seed);
        if (m->error[0]) { return NAN; }
        int before = enter(m);
        model_update(m, h->learning_rate, h->beta1, h->beta2, h->epsilon, h->weight_decay);
        leave(before);
        return loss;
    }

    \(logits)
    """
  }

  private var logits: String {
    let head = "int moec_logits(moec_model *m, const int32_t *tokens, int length, uint64_t seed, float *out) {"
    guard let place = logitsPlace else {
      return """
        \(head)
            (void)tokens, (void)length, (void)seed, (void)out;
            return fail(m, "this model has no logits", 0, 0);
        }
        """
    }
    return """
      \(head)
          m->error[0] = 0;
          if (length < 1 || length > MODEL_CONTEXT) {
              return fail(m, "a sequence of %d tokens does not fit the context, 1 to %d", length, MODEL_CONTEXT);
          }
          if (!tokens || !out) { return fail(m, "tokens or the place for logits are missing", 0, 0); }
          if (take_ids(m, m->tokens, tokens, length, "token %d is outside of the vocabulary, 0 ..< %d")) { return 1; }
          model_pass pass = {1, length, 0, seed, m->tokens, NULL, m->positions};
          int before = enter(m);
          forward(m, &pass);
          leave(before);
          memcpy(out, \(place), sizeof(float) * (size_t)length * MODEL_VOCABULARY);
          return 0;
      }
      """
  }

  private var manifest: String {
    """
    const char *moec_manifest(void) {
        return
    \(ManifestText(context).literal);
    }
    """
  }
}
