import GraphIR
import ModelRuntime

/// Whether the logits of the next token are those that the whole text has, whatever a library keeps of the
/// texts before.
public struct NextCheck {
  private let trial: Trial

  public init(_ reference: Graph, _ library: ModelLibrary, seed: UInt64) {
    trial = Trial(reference, library, seed: seed)
  }

  /// One model goes from text to text with another number of threads each time; one forgets between them.
  public func differences() throws -> [String] {
    let (keeping, forgetting) = (try trial.model(), try trial.model())
    var found: [String] = []
    for (index, text) in texts.enumerated() {
      try keeping.setThreads(1 + index % 3)
      try forgetting.forget()
      let whole = try forgetting.logits(tokens: text, seed: trial.seed)
      let next = try keeping.next(tokens: text, seed: trial.seed)
      if Self.bits(next) != Self.bits(whole.suffix(next.count)) {
        found.append(
          "text \(index) of \(text.count): the next token has other logits than the whole")
      }
    }
    return found
  }

  /// A text that grows token by token, is taken back, changes in the middle, and gives way to another, which comes
  /// in two pieces.
  private var texts: [[Int32]] {
    let context = trial.reference.context.size
    let text = Array(trial.tokens.prefix(context))
    var changed = text
    changed[context / 2] = (changed[context / 2] + 1) % Int32(trial.reference.vocabulary.size)
    let other = Array(trial.targets.prefix(context))
    let half = (context + 1) / 2
    let others = [
      text.prefix(half), text[...], changed[...], text.prefix(1), other.prefix(half), other[...],
    ]
    return (1...context).map { Array(text.prefix($0)) } + others.map(Array.init)
  }

  private static func bits(_ numbers: some Sequence<Float>) -> [UInt32] {
    numbers.map { $0.isNaN ? 0 : $0.bitPattern }
  }
}

extension Model {
  /// Keeps nothing of the last text, as always where a parameter is written.
  fileprivate func forget() throws {
    if manifest.parameters.isEmpty { return }
    try write(try read(.value, 0), .value, 0)
  }
}
