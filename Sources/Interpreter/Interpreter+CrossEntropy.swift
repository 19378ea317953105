import Foundation
import GraphIR

extension Interpreter {
  /// `CrossEntropy`: the mean of log Σ exp(logits) - logits[target].
  func crossEntropy(_ site: Site) throws(Diagnostic) -> [TensorValue] {
    let logits = site.inputs[0]
    let targets = site.integers(1)
    if let bad = targets.first(where: { $0 < 0 || Int($0) >= logits.width }) {
      throw site.error("crossEntropy: \(bad) is outside 0 ..< \(logits.width)")
    }
    let normalisers = (0..<logits.rows).map { Self.normaliser(logits.row($0)) }
    let losses = targets.indices.map { n in
      let (maximum, sum) = normalisers[n]
      return maximum - logits.floats[n * logits.width + Int(targets[n])] + log(sum)
    }
    let (loss, rows) = (losses.reduce(0, +) / Double(logits.rows), Array(logits.shape.dropLast()))
    return [
      TensorValue([], [loss]), TensorValue(rows, normalisers.map(\.maximum)),
      TensorValue(rows, normalisers.map(\.sum)),
    ]
  }

  /// `CrossEntropyGradient`: dloss (softmax(logits) - [v = target]) / N.
  func crossEntropyGradient(_ site: Site) -> TensorValue {
    let (logits, targets) = (site.inputs[0], site.integers(3))
    let (maximum, sum) = (site.floats(1), site.floats(2))
    let dLoss = site.inputs.count > 4 ? site.floats(4)[0] : 1
    let factor = dLoss / Double(logits.rows)
    let dLogits = logits.floats.enumerated().map { index, logit in
      let (n, v) = (index / logits.width, index % logits.width)
      return factor * (exp(logit - maximum[n]) / sum[n] - (Int(targets[n]) == v ? 1 : 0))
    }
    return TensorValue(logits.shape, dLogits)
  }
}
