import Foundation
import GraphIR

extension Interpreter {
  /// `CrossEntropy`: the mean of log Σ exp(logits) - logits[target] where the target is not ignored.
  func crossEntropy(_ site: Site) throws(Diagnostic) -> [TensorValue] {
    let logits = site.inputs[0]
    let targets = site.integers(1)
    let ignored = Input.ignoredTarget
    let isTarget = { (id: Int32) in id == ignored || id >= 0 && Int(id) < logits.width }
    if let bad = targets.first(where: { !isTarget($0) }) {
      throw site.error("crossEntropy: \(bad) is outside 0 ..< \(logits.width) and not \(ignored)")
    }
    let normalisers = (0..<logits.rows).map { Self.normaliser(logits.row($0)) }
    let losses = targets.indices.map { n in
      let (maximum, sum) = normalisers[n]
      // What is no number shows in rows that are ignored too.
      if targets[n] == ignored { return 0 * sum }
      return maximum - logits.floats[n * logits.width + Int(targets[n])] + log(sum)
    }
    let loss = losses.reduce(0, +) / Double(max(Self.counted(targets), 1))
    let rows = Array(logits.shape.dropLast())
    return [
      TensorValue([], [loss]), TensorValue(rows, normalisers.map(\.maximum)),
      TensorValue(rows, normalisers.map(\.sum)),
    ]
  }

  /// How many targets are not ignored.
  private static func counted(_ targets: [Int32]) -> Int {
    targets.count { $0 != Input.ignoredTarget }
  }

  /// `Counted`: 1 where a target is not ignored.
  func counted(_ site: Site) -> TensorValue {
    TensorValue(
      site.inputs[0].shape, site.integers(0).map { $0 == Input.ignoredTarget ? 0 : 1 })
  }

  /// `CrossEntropyGradient`: dloss (softmax(logits) - [v = target]) / N, 0 where the target is ignored.
  func crossEntropyGradient(_ site: Site) -> TensorValue {
    let (logits, targets) = (site.inputs[0], site.integers(3))
    let (maximum, sum) = (site.floats(1), site.floats(2))
    let dLoss = site.inputs.count > 4 ? site.floats(4)[0] : 1
    let factor = dLoss / Double(max(Self.counted(targets), 1))
    let dLogits = logits.floats.enumerated().map { index, logit -> Double in
      let (n, v) = (index / logits.width, index % logits.width)
      if targets[n] == Input.ignoredTarget { return 0 }
      return factor * (exp(logit - maximum[n]) / sum[n] - (Int(targets[n]) == v ? 1 : 0))
    }
    return TensorValue(logits.shape, dLogits)
  }

  /// `LinearCrossEntropy`: `CrossEntropy` of the logits that `Linear` makes.
  func linearCrossEntropy(
    _ op: LinearCrossEntropy, _ site: Site
  ) throws(Diagnostic) -> [TensorValue] {
    let logits = linear(Linear(bias: op.bias), site)
    return try crossEntropy(
      Site(site.node, site.inputTypes, [logits, site.inputs[op.bias ? 3 : 2]]))
  }

  /// `LinearCrossEntropyGradient`: the gradients of the logits, and of what they are made of.
  func linearCrossEntropyGradient(
    _ op: LinearCrossEntropyGradient, _ site: Site
  ) -> [TensorValue] {
    let (x, w) = (site.inputs[0], site.inputs[1])
    func made(_ inputs: [TensorValue]) -> Site { Site(site.node, site.inputTypes, inputs) }
    let others = site.inputs.dropFirst(op.bias ? 3 : 2)  // targets, maximum, sum, dloss
    let ordered = others.dropFirst().prefix(2) + others.prefix(1) + others.dropFirst(3)
    let dLogits = crossEntropyGradient(
      made([linear(Linear(bias: op.bias), site)] + ordered))
    let sums = linearWeightGradient(LinearWeightGradient(bias: true), made([dLogits, x]))
    return (op.rows ? [linearInputGradient(made([dLogits, w]))] : [])
      + (op.weights ? [sums[0]] : []) + (op.shift ? [sums[1]] : [])
  }
}
