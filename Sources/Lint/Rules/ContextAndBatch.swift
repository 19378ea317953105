import GraphIR

/// Axes given as context and batch whose names say the opposite, and what is learned for each place in a batch.
struct ContextAndBatch: RuleDefinition {
  let sentence =
    "The context has the batch's name, or the batch the context's, or a parameter has the batch's axis."
  let reason =
    "Tokens are [batch, context]: swapped, the model sees as many tokens as there should be sequences, and "
    + "positions count what they should not."
  let wayOut =
    "LanguageModel(…, context: T, batch: B), where T is how many tokens the model sees at once"

  func findings(in subject: Subject) -> [Finding] { swapped(subject) + learned(subject) }

  /// Parameters of which each sequence of a batch has numbers of its own.
  private func learned(_ subject: Subject) -> [Finding] {
    let (context, batch) = (subject.graph.context, subject.graph.batch)
    guard context != batch, batch.size > 1 else { return [] }
    return subject.usedNodes.compactMap { index, node in
      guard case .parameter(let parameter) = node.op, node.types[0].axes.contains(batch) else {
        return nil
      }
      return Finding(
        index,
        "\"\(parameter.name)\" has the batch's axis \(batch.named): each sequence of a batch has numbers of its own",
        hint: "what is learned for each position has the context's axis, \(context.named)")
    }
  }

  private func swapped(_ subject: Subject) -> [Finding] {
    let (context, batch) = (subject.graph.context, subject.graph.batch)
    let isSwapped = Self.batches.contains(word(context)) || Self.contexts.contains(word(batch))
    guard isSwapped, context != batch,
      let tokens = subject.usedNodes.first(where: {
        if case .input = $0.node.op { true } else { false }
      })
    else { return [] }
    return [
      Finding(
        tokens.index,
        "the context is \(context.named) and the batch \(batch.named): they look swapped")
    ]
  }

  private static let batches: Set = ["b", "batch", "batchsize", "sequences"]
  private static let contexts: Set = [
    "t", "time", "context", "positions", "length", "contextlength",
  ]

  private func word(_ axis: Axis) -> String {
    axis.symbols.count == 1 ? axis.symbols[0].name.lowercased() : ""
  }
}
