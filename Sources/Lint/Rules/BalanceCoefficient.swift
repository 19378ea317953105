import GraphIR

/// Balance losses whose weight was published for another formula.
struct BalanceCoefficient: RuleDefinition {
  let sentence = "A balance loss has the weight of one convention and the formula of another."
  let reason =
    "E Σ f p is 1 where experts share alike if f is a share of all choices, as Switch, Megatron and .balanced "
    + "have it, and as much as experts are chosen if it is a share of tokens, as Hugging Face has it. Weights "
    + "are published for one of the two: in the other the loss counts that many times as much, or as little."
  let wayOut =
    "use the weight that was published with the formula, or multiply it by the experts chosen"

  func findings(in subject: Subject) -> [Finding] {
    subject.graph.terms.compactMap { term in
      let node = term.value.node
      guard let convention = BalanceConvention(of: node, in: subject.graph),
        let weight = PublishedWeight.all.first(where: { $0.value == term.weight })
      else { return nil }
      let (chosen, words) = (convention.chosen, weight.source)
      guard convention.isTimesChosen else {
        guard weight.isTimesChosen else { return nil }
        return Finding(
          node,
          "the weight \(term.weight) is \(words), whose loss is \(chosen) where experts share alike; this one is 1",
          hint:
            "balance(routings, weight: \(term.weight)) is that loss, over all layers at once; the usual "
            + "weight of this one is 0.01")
      }
      // OLMoE's loss of all layers together, and its router, have Switch's number.
      guard !weight.isTimesChosen, convention.routers == 1, !convention.hasPlainShares else {
        return nil
      }
      return Finding(
        node,
        "the weight \(term.weight) is \(words), whose loss is 1 where experts share alike; this one is \(chosen)",
        hint: "divide by the experts that a token chooses, as .balanced(\(term.weight)) does")
    }
  }
}

/// A weight that people take from a paper or a config.json.
private struct PublishedWeight {
  var value: Double
  var source: String

  /// Whether its loss is as much as experts are chosen where these share alike, and not 1.
  var isTimesChosen: Bool

  static let all = [
    PublishedWeight(value: 0.01, source: "Switch's", isTimesChosen: false),
    PublishedWeight(value: 0.0001, source: "DeepSeek-V3's", isTimesChosen: false),
    PublishedWeight(
      value: 0.001, source: "that of Hugging Face's Mixtral and Qwen", isTimesChosen: true),
    PublishedWeight(value: 0.0005, source: "minimind's", isTimesChosen: true),
  ]
}

/// What a term is where experts share alike: 1, or as many as are chosen.
private struct BalanceConvention {
  var isTimesChosen: Bool
  var chosen: Int

  /// How many choices of experts it is about.
  var routers: Int

  /// Whether scores are a softmax over all experts and weigh as they are.
  var hasPlainShares: Bool

  /// nil: the term says nothing of shares of choices, or is something else where they are alike.
  init?(of term: Int, in graph: Graph) {
    let isBehind = Subject.nodes(of: graph, behind: [term]) { graph.nodes[$0].inputs }
    var tops: Set<Int> = []
    for (index, node) in graph.nodes.enumerated() where isBehind[index] {
      if case .scatter = node.op { tops.insert(node.inputs[1].node) }
    }
    let widths = Set(tops.map { graph.nodes[$0].types[0].width })
    guard let chosen = widths.first, widths.count == 1, chosen > 1 else { return nil }
    // What the numbers that are no shares are makes no difference to a term of shares alone.
    let values = [0.375, 0.75].map { EvenValues(of: graph, anyOther: $0).numbers[term] }
    guard abs(values[0] - values[1]) < 1e-6 else { return nil }
    isTimesChosen = abs(values[0] - Double(chosen)) < 1e-6
    guard isTimesChosen || abs(values[0] - 1) < 1e-6 else { return nil }
    self.chosen = chosen
    routers = tops.count
    hasPlainShares = tops.allSatisfy { top in
      guard let scores = graph.nodes[top].inputs.first, case .softmax = graph.nodes[scores.node].op
      else { return false }
      return !graph.nodes.contains { node in
        guard case .sum = node.op else { return false }
        return node.inputs == [Value(node: top, result: 0)]
      }
    }
  }
}

/// Each value as one number, as if all experts had been chosen alike and had the same scores.
private struct EvenValues {
  private(set) var numbers: [Double] = []

  /// - Parameter other: what is not known, such as products with weights, and functions of one number.
  init(of graph: Graph, anyOther other: Double) {
    for node in graph.nodes {
      let inputs = node.inputs.map { numbers[$0.node] }
      let types = node.inputs.map(graph.type(of:))
      numbers.append(Self.number(node, inputs, types) ?? other)
    }
  }

  private static func number(_ node: Node, _ inputs: [Double], _ types: [TensorType]) -> Double? {
    if case .softmax = node.op { return 1 / Double(node.types[0].width) }
    if case .counted = node.op { return 1 }
    if case .sum = node.op { return inputs[0] * Double(types[0].count / node.types[0].count) }
    if case .scatter(let op) = node.op {
      return inputs[0] * Double(types[0].width) / Double(op.experts.size)
    }
    if case .pointwise(let op) = node.op {
      return number(op.expression.substituting { .constant(inputs[$0]) })
    }
    if [.top, .gather].contains(node.op.kind) || node.op.forward?.movesNumbers == true {
      return inputs[0]
    }
    return nil
  }

  /// What an expression without inputs is; any number, but the same one, of a function that is not known.
  private static func number(_ expression: ScalarExpression) -> Double? {
    switch expression.inEvaluation {
    case .constant(let value): return value
    case .unary(.stop, let a): return number(a)
    case .unary(_, let a): return number(a).map { 0.1 + $0 / 2 }
    case .binary(let function, let a, let b):
      guard let a = number(a), let b = number(b) else { return nil }
      let sum = ScalarExpression.binary(function, .constant(a), .constant(b)).simplified
      if case .constant(let value) = sum { return value }
      return 0.1 + a / 2
    case .input, .normal, .keep: return nil
    }
  }
}
