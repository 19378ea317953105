import Codegen
import CompiledModels
import GraphIR
import Interpreter
import ModelRuntime
import Testing

/// Logits that go on from kept keys and values, against the same library made to forget them.
@Suite struct KeyValueCacheTests {
  static let models =
    AttentionModel.Form.allCases.map { AttentionModel($0) }
    + [
      AttentionModel(.joined) { $0.isLayered = false },
      AttentionModel(.separate) { ($0.isLayered, $0.T) = (false, 9) },
      AttentionModel(.joined) { ($0.T, $0.depth) = (150, 1) },
      AttentionModel(.rotary) { ($0.T, $0.depth) = (150, 1) },
      AttentionModel(.givenValues) { ($0.T, $0.C, $0.depth) = (101, 21, 1) },
      AttentionModel(.window) { ($0.T, $0.depth) = (150, 1) },
      AttentionModel(.all) { ($0.T, $0.depth) = (101, 1) },
      AttentionModel(.rotary) { ($0.C, $0.heads, $0.depth) = (64, 2, 1) },
      AttentionModel(.all) { ($0.C, $0.heads, $0.depth) = (64, 2, 1) },
      AttentionModel(.written) { ($0.T, $0.C, $0.heads, $0.B) = (1, 12, 1, 1) },
    ]

  /// Two models with the same parameters, of which one forgets before each call.
  private struct Pair {
    let keeping: Model
    let forgetting: Model
    let trial: Trial

    init(_ compiled: CompiledModel) throws {
      trial = Trial(compiled)
      (keeping, forgetting) = (try trial.model(), try trial.model())
    }

    /// Calls both; whether all bits of the logits are the same.
    func agree(_ tokens: [Int32]) throws -> Bool {
      try forgetting.write(try forgetting.read(.value, 0), .value, 0)
      let expected = try forgetting.logits(tokens: tokens, seed: 3).map(\.bitPattern)
      return try keeping.logits(tokens: tokens, seed: 4).map(\.bitPattern) == expected
    }
  }

  /// Tokens for the model's context twice over.
  private func text(_ compiled: CompiledModel) -> [Int32] {
    [1, 2].flatMap { Trial.ids(of: compiled.reference, seed: $0, stream: 5) }
  }

  @Test(
    "A text that grows, changes, shrinks and moves on has the whole window's bits",
    arguments: models)
  func sameBits(model: AttentionModel) throws {
    let compiled = try CompiledModel(model.graph(), optimisation: model.T > 100 ? .full : .quick)
    let pair = try Pair(compiled)
    let all = text(compiled)
    for length in 1...model.T {
      #expect(try pair.agree(Array(all.prefix(length))), "\(length) tokens")
    }
    var tokens = Array(all.prefix(model.T))
    for place in [model.T - 1, model.T / 2, 1, 0] where tokens.indices.contains(place) {
      tokens[place] = (tokens[place] + 1) % Int32(model.V)
      #expect(try pair.agree(tokens), "another token \(place)")
    }
    for length in [model.T, (model.T + 1) / 2, 1, model.T] {
      #expect(try pair.agree(Array(tokens.prefix(length))), "back to \(length) tokens")
    }
    // Beyond the context the window moves, and with it every position.
    for start in 1...3 where start + model.T <= all.count {
      #expect(try pair.agree(Array(all[start..<start + model.T])), "moved by \(start)")
    }
    #expect(try pair.agree(Array(repeating: 0, count: model.T)))
    #expect(try pair.agree(Array(repeating: 0, count: model.T)))
  }

  @Test("They are so for any number of threads, and when it changes")
  func threads() throws {
    let compiled = try CompiledModel(AttentionModel(.joined).graph())
    let pair = try Pair(compiled)
    let all = text(compiled)
    for length in 1...30 {
      try pair.keeping.setThreads(length % 3 + 1)
      #expect(try pair.agree(Array(all.prefix(length))), "\(length) tokens")
    }
  }

  @Test("Logits token by token are the interpreter's")
  func interpreter() throws {
    let trial = Trial(try CompiledModel(AttentionModel(.joined) { $0.T = 19 }.graph()))
    let model = try trial.model()
    for length in 1...19 {
      let tokens = Array(trial.tokens.prefix(length))
      var interpreter = trial.interpreter(.evaluation)
      (interpreter.sequences, interpreter.length, interpreter.tokens) = (1, length, tokens)
      let expected = try #require(try interpreter.run([.logits]).logits)
      let found = Disagreement(
        "logits of \(length)", try model.logits(tokens: tokens, seed: 1), expected)
      #expect(found.error < 1e-5, "\(found)")
    }
  }

  /// All that changes parameters, or overwrites what is kept.
  enum Change: CaseIterable {
    case step, gradients, loss, accumulate, update, write, initialize, badToken
  }

  @Test("Whatever changes the model in between is seen", arguments: Change.allCases)
  func forgets(change: Change) throws {
    let compiled = try CompiledModel(AttentionModel(.separate) { $0.T = 12 }.graph())
    let pair = try Pair(compiled)
    let tokens = Array(text(compiled).prefix(12))
    if change == .update {
      for model in [pair.keeping, pair.forgetting] { try make(.accumulate, model, pair.trial) }
    }
    #expect(try pair.agree(Array(tokens.prefix(7))))
    for model in [pair.keeping, pair.forgetting] { try make(change, model, pair.trial) }
    #expect(try pair.agree(tokens))
    #expect(try pair.agree(tokens))
  }

  private func make(_ change: Change, _ model: Model, _ trial: Trial) throws {
    let (tokens, targets) = (trial.tokens, trial.targets)
    let hyper = Hyperparameters(model.manifest.defaults, seed: 9)
    switch change {
    case .step: _ = try model.trainStep(tokens: tokens, targets: targets, with: hyper)
    case .gradients: _ = try model.gradients(tokens: tokens, targets: targets, seed: 5)
    case .loss: _ = try model.loss(tokens: tokens, targets: targets, seed: 5)
    case .accumulate: _ = try model.accumulate(tokens: tokens, targets: targets, seed: 5)
    case .update: _ = try model.update(with: hyper, maximumNorm: nil)
    case .write:
      try model.write(trial.parameters["token.weight"]?.reversed() ?? [], named: "token.weight")
    case .initialize: model.initialize(seed: 8)
    case .badToken:
      let wrong = [tokens[0], tokens[1], Int32(model.manifest.vocabulary)]
      #expect(throws: ModelError.self) { try model.logits(tokens: wrong, seed: 1) }
      let other = [tokens[0], (tokens[1] + 1) % 11, Int32(model.manifest.vocabulary)]
      #expect(throws: ModelError.self) { try model.logits(tokens: other, seed: 1) }
    }
  }

  @Test("Routes and loads are of all tokens, computed now or before")
  func routes() throws {
    let compiled = try CompiledModel(AttentionModel(.joined) { $0.T = 21 }.graph())
    let pair = try Pair(compiled)
    let all = text(compiled)
    for length in [1, 2, 5, 21, 20, 3, 9] {
      #expect(try pair.agree(Array(all.prefix(length))))
      #expect(try pair.keeping.routes(tokens: length) == pair.forgetting.routes(tokens: length))
      let loads = try [pair.keeping, pair.forgetting].map { try $0.takeExpertLoads(.evaluation) }
      #expect(loads[0] == loads[1], "\(length) tokens")
      #expect(loads[0][0].reduce(0) { $0 + $1.chosen } == 2 * length)
    }
  }

  @Test("A replay takes its experts for all tokens, and leaves nothing behind")
  func replay() throws {
    let compiled = try CompiledModel(AttentionModel(.joined) { $0.T = 10 }.graph())
    let pair = try Pair(compiled)
    let tokens = Array(text(compiled).prefix(10))
    #expect(try pair.agree(tokens))
    let own = try pair.keeping.logits(tokens: tokens, seed: 1)
    let others: [Int32] = (0..<20).flatMap { $0 % 3 == 0 ? [0, 2] : [1, 2] as [Int32] }
    for model in [pair.keeping, pair.forgetting] { try model.replay(others, tokens: 10) }
    #expect(try pair.agree(tokens))
    #expect(try pair.keeping.chosenExperts(tokens: 10) == others)
    #expect(try pair.agree(tokens))
    #expect(try pair.keeping.logits(tokens: tokens, seed: 1) == own)
  }

  @Test("Training after generation is what it is without")
  func training() throws {
    let compiled = try CompiledModel(AttentionModel(.joined) { $0.T = 11 }.graph())
    let pair = try Pair(compiled)
    for seed in 0..<3 as Range<UInt64> {
      _ = try pair.keeping.logits(tokens: Array(pair.trial.tokens.prefix(6)), seed: seed)
      for model in [pair.keeping, pair.forgetting] {
        _ = try model.trainStep(
          tokens: pair.trial.tokens, targets: pair.trial.targets,
          with: Hyperparameters(model.manifest.defaults, seed: seed))
      }
    }
    for index in pair.keeping.manifest.parameters.indices {
      #expect(try pair.keeping.read(.value, index) == pair.forgetting.read(.value, index))
    }
  }

  @Test("The C of a small model that keeps them")
  func code() throws {
    let plan = try Pipelines.plan(AttentionModel(.separate).graph())
    let files = GeneratedModel(plan, .init(sourceName: "separate.swift")).files
    let model = try #require(files.first { $0.path == "model.c" }).text
    let block = try #require(files.first { $0.path == "block.c" }).text
    for text in Self.modelParts { #expect(model.contains(text), "\(text)") }
    let evaluation = try #require(files.first { $0.path == "evaluation.c" }).text
    for text in Self.evaluationParts { #expect(evaluation.contains(text), "\(text)") }
    #expect(block.contains("causal_attention_after(s->attention_heads, s->attention_maximum,"))
    #expect(block.contains("C, B, H, pass->past, T, C/H, 0.25f,"))
  }

  private static let modelParts = [
    """
    // Generation: keys and values stay from one moec_logits to the next, which computes only the tokens
    // after those that both begin with.
    """,
    """
    static const block_saved *block_saved_in(moec_model *m, block_use *u, const model_pass *pass) {
        if (pass->training) { return &u->s; }
        if (pass->targets) { return &m->layers->block[0].s; }
        u->e = m->layers->block[0].s;
        u->e.attention_q = u->s.attention_q + (size_t)pass->past*C;
        u->e.attention_k = u->s.attention_k + (size_t)pass->past*C;
        u->e.attention_v = u->s.attention_v + (size_t)pass->past*C;
        u->e.attention_heads = u->s.attention_heads + (size_t)pass->past*C;
        return &u->e;
    }
    """,
    """
            const block_saved *s = block_saved_in(m, block, pass);
    """,
  ]

  private static let evaluationParts = [
    """
        // What the last call began with too is computed already. Of the last token, logits are asked for.
        int past = 0;
        while (past < m->kept && past < length && tokens[past] == m->tokens[past]) { past++; }
        m->kept = past;
    """,
    """
        if (past == length) { past--; }
        if (m->replay_tokens > 0) { past = 0; }  // other experts, other keys and values
        *pass = model_batch(m, m->tokens, NULL, seed);
        pass->sequences = 1;
        pass->length = length;
        pass->tokens += past;
        pass->positions += past;
        pass->length -= past;
        pass->past = past;
    """,
    "    m->kept = pass->replays ? 0 : length;\n",
  ]

  @Test("Code of models that recompute knows nothing of the past")
  func others() throws {
    let compiled = try Pipelines.plan(MakeMoE("noisy").graph())
    let files = GeneratedModel(compiled, .init(sourceName: "noisy.swift")).files
    for file in files where !file.path.hasPrefix("kernels/") {
      #expect(!file.text.contains("past"), "\(file.path)")
    }
    let text = try #require(files.first { $0.path == "model.c" }).text
    #expect(text.contains("// Generation: the whole window for every token, as"))
    #expect(text.contains("block.0.mixture draws random numbers in every pass"))
  }
}
