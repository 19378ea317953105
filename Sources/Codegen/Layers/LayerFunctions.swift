import GraphIR
import Lowering
import Planning

/// The static functions of a layer's own: elementwise loops and last steps of products. Calls that do
/// the same share one.
struct LayerFunctions {
  private var pointwise: [PointwiseFunction] = []
  private var finishes: [FinishFunction] = []
  private var indexOfCall: [Call: Int] = [:]
  private var finishOfResult: [Finished: Int] = [:]

  /// A result of a call, by its place, that has a last step.
  private struct Finished: Hashable {
    var call: Call
    var place: Int
  }

  /// What other files define, what this file's own functions are called and what they are given.
  private var taken = CWords.kernels

  /// - Parameter layers: all layers of the model, whose functions are known to each.
  init(_ layer: Layer, among layers: [Layer]) {
    for name in layers.map(\.name) { taken.formUnion(CWords.endings.map { name + $0 }) }
    let arguments = (layer.forwardArguments + layer.backwardArguments).map(\.name)
    taken.formUnion((arguments + layer.borrowed.map(\.field)).map(CNames.identifier))
    for call in layer.forward + layer.backward {
      addPointwise(call)
      if call.kernel.takesAnyFinish { call.results.indices.forEach { addFinish(call, $0) } }
    }
  }

  func pointwise(_ call: Call) -> PointwiseFunction? { indexOfCall[call].map { pointwise[$0] } }

  /// The function of the last step of a call's result.
  func finish(_ call: Call, of place: Int = 0) -> FinishFunction? {
    finishOfResult[Finished(call: call, place: place)].map { finishes[$0] }
  }

  var kernels: [String] { pointwise.flatMap(\.kernels) + finishes.flatMap(\.kernels) }

  /// The lines that define them.
  var text: String {
    let groups = [
      (
        "// Last steps of products: what becomes of y, element i of a result.", finishes.map(\.text)
      ),
      ("// Element by element: y[i].", pointwise.map(\.text)),
    ]
    return groups.filter { !$0.1.isEmpty }.map { ([$0.0] + $0.1).joined(separator: "\n") }
      .joined(separator: "\n")
  }

  private mutating func addPointwise(_ call: Call) {
    guard case .pointwise(let op) = call.op, let result = call.results.first else { return }
    let expression = op.expression.countingStreamsFromZero
    let pairs = op.expression.inputs.map {
      ($0, PointwiseAccess.access(call.inputs[$0].type, in: result.type))
    }
    let access = Dictionary(uniqueKeysWithValues: pairs)
    let known = pointwise.firstIndex { $0.expression == expression && $0.access == access }
    if known == nil {
      let name = uniqueName(expression.functionName ?? "compute_\(result.name)")
      pointwise.append(PointwiseFunction(name: name, expression, access))
    }
    indexOfCall[call] = known ?? pointwise.count - 1
  }

  private mutating func addFinish(_ call: Call, _ place: Int) {
    guard let finish = call.kernel.finishes[place] else { return }
    let expression = finish.expression.countingStreamsFromZero
    let known = finishes.firstIndex { $0.expression == expression }
    if known == nil {
      let name = uniqueName("finish_" + (expression.plainName ?? call.results[place].name))
      finishes.append(FinishFunction(name: name, expression: expression))
    }
    finishOfResult[Finished(call: call, place: place)] = known ?? finishes.count - 1
  }

  private mutating func uniqueName(_ name: String) -> String {
    let base = CNames.identifier(name)
    var candidate = base
    while !taken.insert(candidate).inserted { candidate = "more_" + candidate }
    return candidate
  }
}

extension ScalarExpression {
  /// The same with the streams numbered 0, 1, … in their order.
  var countingStreamsFromZero: ScalarExpression {
    let streams = streams
    return renumberingStreams { streams.firstIndex(of: $0) ?? 0 }
  }
}
