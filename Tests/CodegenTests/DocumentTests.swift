import CompiledModels
import GraphIR
import Interpreter
import ModelRuntime
import Testing

/// Libraries whose rows hold several documents.
@Suite struct DocumentTests {
  /// With rows that are no whole tiles and heads that are none; one with both.
  static let models =
    [AttentionModel.Form.joined, .written, .rotary, .turnedByHand, .grouped, .window, .sinks, .all]
    .map { AttentionModel($0) { ($0.T, $0.B) = (43, 3) } }
    + [.joined, .all].map { AttentionModel($0) { ($0.T, $0.B, $0.C, $0.heads) = (64, 2, 64, 4) } }

  private static func compiled(
    _ model: AttentionModel, omitting: Set<String> = [], recomputes: Bool = false
  ) throws -> CompiledModel {
    try CompiledModel(
      model.graph(), omitting: omitting, recomputes: recomputes, documents: true)
  }

  @Test(
    "Losses and gradients are the interpreter's, and a document's loss that which it has alone in a row",
    arguments: models)
  func agrees(model: AttentionModel) throws {
    let compiled = try Self.compiled(model)
    #expect(compiled.library.manifest.takesDocuments)
    for seed in [1, 2] as [UInt64] {
      let trial = Trial(compiled, seed: seed)
      #expect(Set(trial.beginnings).count > 2)
      #expect(try trial.disagreements(tolerance: 1e-4) == [])
    }
    try checkAlone(model, Trial(compiled))
  }

  @Test(
    "So they are where attention is left in its steps",
    arguments: [.written, .rotaryInterleaved] as [AttentionModel.Form])
  func inSteps(form: AttentionModel.Form) throws {
    let model = AttentionModel(form) { ($0.T, $0.B) = (19, 2) }
    let compiled = try Self.compiled(model, omitting: ["FuseAttention"])
    #expect(
      compiled.plan.graph.nodes.contains { $0.op.kind == .causalMask && $0.inputs.count == 2 })
    #expect(try Trial(compiled).disagreements(tolerance: 1e-4) == [])
  }

  /// Each document of a packed row beside itself at the beginning of a row.
  private func checkAlone(_ model: AttentionModel, _ trial: Trial) throws {
    let library = try trial.model()
    let (B, T) = (model.B, model.T)
    let ignored = [Int32](repeating: Model.ignoredTarget, count: B * T)
    let beginnings = (0..<B * T).map { n -> Int32 in
      let t = n % T
      return t < 5 ? 0 : t < T / 2 ? 5 : Int32(T / 2)
    }
    for (begin, end) in [(0, 5), (5, T / 2), (T / 2, T)] {
      let row = (B - 1) * T
      let (packed, single) = (row + begin..<row + end, row..<row + end - begin)
      var targets = ignored
      targets.replaceSubrange(packed, with: trial.targets[packed])
      try library.setDocuments(beginnings)
      let inRow = try library.loss(tokens: trial.tokens, targets: targets, seed: 1)
      var (tokens, own) = (trial.tokens, ignored)
      tokens.replaceSubrange(single, with: trial.tokens[packed])
      own.replaceSubrange(single, with: trial.targets[packed])
      try library.setDocuments(nil)
      let alone = try library.loss(tokens: tokens, targets: own, seed: 1)
      #expect(abs(inRow - alone) < 2e-5 * alone, "\(begin): \(inRow), \(alone)")
      if begin > 0 {
        let other = try library.loss(tokens: trial.tokens, targets: targets, seed: 1)
        #expect(abs(other - inRow) > 1e-4)
      }
    }
  }

  @Test(
    "Bits are the same for any number of threads, and without documents those of a library without")
  func bits() throws {
    for form in [.joined, .all] as [AttentionModel.Form] {
      let model = AttentionModel(form) { ($0.T, $0.B) = (37, 3) }
      let compiled = try Self.compiled(model)
      let expected = try parameters(Trial(compiled), threads: 1)
      let recomputing = try Self.compiled(model, recomputes: true)
      #expect(try parameters(Trial(recomputing), threads: 2) == expected)
      for threads in [2, 3] {
        #expect(try parameters(Trial(compiled), threads: threads) == expected)
      }
      var plain = Trial(try CompiledModel(model.graph()))
      var one = Trial(compiled)
      (plain.beginnings, one.beginnings) = ([], [])
      let withoutDocuments = try parameters(one, threads: 2)
      #expect(try parameters(plain, threads: 2) == withoutDocuments)
      #expect(withoutDocuments != expected)
    }
  }

  private func parameters(_ trial: Trial, threads: Int) throws -> [[UInt32]] {
    let model = try trial.model()
    try model.setThreads(threads)
    for seed in 0..<2 as Range<UInt64> {
      _ = try model.trainStep(
        tokens: trial.tokens, targets: trial.targets,
        with: Hyperparameters(model.manifest.defaults, seed: seed))
    }
    return try model.manifest.parameters.indices.map {
      try model.read(.value, $0).map(\.bitPattern)
    }
  }

  @Test("Each batch of several has its own, and what is generated has one document")
  func batches() throws {
    let model = AttentionModel(.rotary) { ($0.T, $0.B) = (21, 2) }
    let trial = Trial(try Self.compiled(model))
    let library = try trial.model()
    let (own, one) = (trial.beginnings, trial.beginnings.map { _ in Int32(0) })
    func losses(_ count: Int) throws -> [Float] {
      func times(_ ids: [Int32]) -> [Int32] { (0..<count).flatMap { _ in ids } }
      return try library.losses(
        tokens: times(trial.tokens), targets: times(trial.targets),
        seeds: [UInt64](repeating: 3, count: count))
    }
    try library.setDocuments(nil)
    let whole = try losses(5)
    #expect(Set(whole).count == 1)
    let text = Array(trial.tokens.prefix(9))
    let logits = try library.logits(tokens: text, seed: 1)
    try library.setDocuments(own)
    let packed = try losses(1)[0]
    #expect(packed != whole[0])
    #expect(try library.logits(tokens: text, seed: 1) == logits)
    #expect(try library.loss(tokens: trial.tokens, targets: trial.targets, seed: 3) == packed)
    try library.setDocuments(own + one + one + own + one, batches: 5)
    #expect(try losses(5) == [packed, whole[0], whole[0], packed, whole[0]])
    #expect(try losses(1) == [packed])
    // They stay when another call cannot be made.
    #expect(throws: ModelError.self) { try losses(6) }
    #expect(try losses(1) == [packed])
  }

  @Test("What no document can be is refused, with its place, and changes nothing")
  func refusals() throws {
    let model = AttentionModel(.joined) { ($0.T, $0.B) = (5, 2) }
    let trial = Trial(try Self.compiled(model))
    let library = try trial.model()
    func loss() throws -> Float {
      try library.loss(tokens: trial.tokens, targets: trial.targets, seed: 1)
    }
    let good: [Int32] = [0, 0, 2, 3, 3, 0, 1, 1, 1, 4]
    try library.setDocuments(good)
    let before = try loss()
    for (place, value) in [(0, 1), (3, 1), (4, 2), (4, -1), (9, 5), (8, 2), (5, 5)]
      as [(Int, Int32)]
    {
      var bad = good + good
      bad[10 + place] = value
      let error = #expect(throws: ModelError.self) { try library.setDocuments(bad, batches: 2) }
      let words =
        "batch 1, row \(place / 5), token \(place % 5): its document cannot begin at \(value)"
      #expect(error?.message.contains(words) == true, "\(String(describing: error))")
      #expect(try loss() == before)
    }
    #expect(throws: ModelError.wrongCount(what: "beginnings of documents", expected: 20, found: 10))
    {
      try library.setDocuments(good, batches: 2)
    }
    #expect(throws: ModelError.self) { try library.setDocuments([], batches: 0) }
    #expect(try loss() == before)
    let plain = try Trial(try CompiledModel(model.graph())).model()
    #expect(!plain.takesDocuments && library.takesDocuments)
    #expect(throws: ModelError.takesNoDocuments) { try plain.setDocuments(good) }
    #expect(throws: ModelError.takesNoDocuments) { try plain.setDocuments(nil) }
  }

  @Test("The C of other libraries knows nothing of documents")
  func text() throws {
    let model = AttentionModel(.all)
    let plain = try CompiledModel(model.graph()).code
    for file in plain.files where file.path != "sources.c" {
      #expect(!file.text.contains("ocuments"), "\(file.path)")
      #expect(!file.text.contains("beginnings"), "\(file.path)")
    }
    let packed = try Self.compiled(model).code
    for file in packed.files { #expect(!file.text.contains("MODEL_TAKES"), "\(file.path)") }
    #expect(packed.files.contains { $0.path == "documents.c" })
    #expect(
      packed.files.contains { $0.path == "moec_model.h" && $0.text.contains("moec_documents") })
  }
}
