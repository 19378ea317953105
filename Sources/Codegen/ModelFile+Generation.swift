import GraphIR
import Planning

/// `moec_logits`, and what else of `model.c` depends on how a model generates.
extension ModelFile {
  var keepsRows: Bool { context.generation.cache != nil }

  /// For the head of `model.c`.
  var generationLines: [String] {
    switch context.generation {
    case .cached:
      [
        "Generation: keys and values stay from one moec_logits to the next, which computes only the tokens",
        "after those that both begin with.",
      ]
    case .recomputed(let why):
      ["Generation: the whole window for every token, as", "\(why)."]
    }
  }

  /// What a call does that changes parameters, or writes where rows are kept.
  var forgettingRows: String { keepsRows ? "\n    m->kept = 0;" : "" }

  private var logitsPlace: String? {
    layouts.first { $0.layer.forwardArguments.contains { $0.name == "logits" && $0.isWritten } }
      .map { "m->\($0.layer.name)[0].logits" }
  }

  private static let head =
    "int moec_logits(moec_model *m, const int32_t *tokens, int length, uint64_t seed, float *out) {"

  var logits: String {
    guard let place = logitsPlace else {
      return """
        \(Self.head)
            (void)tokens, (void)length, (void)seed, (void)out;
            return !m || fail(m, "this model has no logits", 0, 0);
        }
        """
    }
    return """
      \(Self.head)
          if (!m) { return 1; }
          m->error[0] = 0;
          if (length < 1 || length > MODEL_CONTEXT) {
              return fail(m, "a sequence of %d tokens does not fit the context, 1 to %d", length, MODEL_CONTEXT);
          }
          if (!tokens || !out) { return fail(m, "tokens or the place for logits are missing", 0, 0); }
      \((keepsRows ? keptPass : wholePass).joined(separator: "\n"))
          int before = enter(m);
          forward(m, &pass);
          leave(before);
          note_pass(m, m\(hasRouters ? ", &pass" : ""));\(keepsRows ? "\n    m->kept = \(hasRouters ? "pass.replays ? 0 : " : "")length;" : "")
          memcpy(out, \(place), sizeof(float) * (size_t)length * MODEL_VOCABULARY);
          return 0;
      }
      """
  }

  private static let checkIds =
    #"    if (check_ids(m, tokens, (size_t)length, "token %d is outside of the vocabulary, 0 ..< %d")) { return 1; }"#
  private static let takeIds = "    memcpy(m->tokens, tokens, sizeof *tokens * (size_t)length);"

  private var misfit: [String] {
    hasRouters ? ["    if (routes_misfit(m, length)) { return 1; }"] : []
  }

  private var replays: String { hasRouters ? ", m->replay_tokens > 0" : "" }

  private var wholePass: [String] {
    [Self.checkIds] + misfit + [Self.takeIds]
      + ["    model_pass pass = {1, length, 0, seed, m->tokens, NULL, m->positions\(replays), 0};"]
  }

  /// A pass over the tokens after those that the last call began with too, but over one at least.
  private var keptPass: [String] {
    [
      "    // What the last call began with too is computed already. Of the last token, logits are asked for.",
      "    int past = 0;",
      "    while (past < m->kept && past < length && tokens[past] == m->tokens[past]) { past++; }",
      "    m->kept = past;",
    ] + [Self.checkIds] + misfit + [
      Self.takeIds,
      "    if (past == length) { past--; }"
    ]
      + (hasRouters
        ? ["    if (m->replay_tokens > 0) { past = 0; }  // other experts, other keys and values"]
        : [])
      + [
        "    model_pass pass = {1, length - past, 0, seed, m->tokens + past, NULL, m->positions + past\(replays), 0, past};"
      ]
  }
}
