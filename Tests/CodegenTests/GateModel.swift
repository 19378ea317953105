import CompiledModels
import GraphIR
import MoE
import ModelRuntime

/// A model whose logits are its router's gates: expert e gives the e-th unit vector, so what is
/// combined is, per token, the weight of each expert, and 0 for one that was not chosen.
///
/// The router's logits are the token's row of a table, its noise's spread the row of another.
struct GateModel {
  static let (tokens, experts) = (6, 4)
  var chosen = 2
  var isNoisy = false
  var capacity: Double?
  var sequences = 1
  var length = 8

  init(_ change: (inout GateModel) -> Void = { _ in }) { change(&self) }

  func compiled() throws -> CompiledModel { try CompiledModel(graph()) }

  private func graph() throws -> Graph {
    // Logits are as wide as the vocabulary: two experts' columns stay 0.
    let (V, E) = (MoE.Axis("V", Self.tokens), MoE.Axis("E", Self.experts))
    return try LanguageModel.trace(
      "gates", vocabulary: V, context: MoE.Axis("T", length), batch: MoE.Axis("B", sequences)
    ) { text in
      var logits = text.tokens.embedding("logits", E)
      if isNoisy {
        let spread = text.tokens.embedding("spread", E).softplus()
        logits = logits + .normal(like: logits) * spread
      }
      let routing = logits.top(chosen).softmax()
      let x = text.tokens.embedding("token", E)
      let rows = capacity.map { x.routed(by: routing, capacity: $0) } ?? x.routed(by: routing)
      return rows.linear("expert", V, weights: .zeros).combined()
    }
  }

  /// A model whose token t has the router's logits `table[t]`.
  static func model(
    _ compiled: CompiledModel, _ table: [[Float]], spread: Float = 0
  ) throws -> Model {
    let model = try Model(compiled.library)
    model.initialize(seed: 1)
    let rows = (0..<tokens).flatMap { table[$0 % table.count] }
    try model.write(rows, named: "logits.weight")
    let units = (0..<experts).flatMap { expert in
      (0..<tokens).map { $0 == expert ? 1 : 0 as Float }
    }
    try model.write(units, named: "expert.bias")
    if compiled.library.manifest.parameters.contains(where: { $0.name == "spread.weight" }) {
      let count = tokens * experts
      try model.write([Float](repeating: spread, count: count), named: "spread.weight")
    }
    return model
  }

  /// Each token's gates, [tokens, E].
  static func gates(_ model: Model, _ tokens: [Int32], seed: UInt64 = 1) throws -> [[Float]] {
    let logits = try model.logits(tokens: tokens, seed: seed)
    return tokens.indices.map { Array(logits[$0 * Self.tokens..<$0 * Self.tokens + experts]) }
  }
}
