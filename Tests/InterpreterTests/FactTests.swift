import GraphIR
import Testing

@testable import Interpreter

/// What ops say of themselves, against the numbers that they make: over every sample of every op.
@Suite("Facts of ops in numbers")
struct FactTests {
  @Test("What changes the result is said to have a slope", arguments: OpKind.allSamples)
  func slopes(sample: Sample) throws {
    let run = try SampleRun(sample)
    for index in run.graph.nodes.indices {
      guard let op = run.graph.nodes[index].op.forward else { continue }
      let slopes = op.slopes(run.graph.nodes[index].inputs.map(run.graph.type(of:)))
      for (operand, value) in run.operands(index).enumerated() where !slopes.contains(operand) {
        let moved = try run.results(index, operand, value.moved { _ in true })
        #expect(moved[0] == run.results(index)[0], "\(op) operand \(operand)")
      }
    }
  }

  @Test("A slope can be seen in a sample")
  func visibleSlopes() throws {
    var hidden: Set<String> = []
    var seen: Set<String> = []
    for sample in OpKind.allSamples {
      let run = try SampleRun(sample)
      for (index, node) in run.graph.nodes.enumerated() {
        guard let op = node.op.forward else { continue }
        for operand in op.slopes(node.inputs.map(run.graph.type(of:))) {
          let value = run.operands(index)[operand]
          let moved = try run.results(index, operand, value.moved { _ in true })
          let name = "\(node.op.mnemonic) \(operand)"
          if moved[0] != run.results(index)[0] { seen.insert(name) } else { hidden.insert(name) }
        }
      }
    }
    #expect(hidden.subtracting(seen).isEmpty)
    #expect(seen.count > 20)
  }

  @Test("A sequence's results are its own", arguments: OpKind.allSamples)
  func sequences(sample: Sample) throws {
    let run = try SampleRun(sample)
    for (index, node) in run.graph.nodes.enumerated() where node.op.operation.keepsSequencesApart {
      let batch = run.graph.batch
      let types = node.inputs.map(run.graph.type(of:))
      for (operand, value) in run.operands(index).enumerated()
      where types[operand].axes.first == batch {
        let moved = try run.results(index, operand, value.moved { $0[0] == 0 })
        for (result, type) in node.types.enumerated() where type.axes.first == batch {
          #expect(
            moved[result].elements(where: { $0[0] > 0 })
              == run.results(index)[result].elements(where: { $0[0] > 0 }), "\(node.op.mnemonic)")
        }
      }
    }
  }

  @Test(
    "What is apart by position does not see the position after it", arguments: OpKind.allSamples)
  func positions(sample: Sample) throws {
    let run = try SampleRun(sample)
    let last = run.graph.context.size - 1
    for (index, node) in run.graph.nodes.enumerated() where run.isApart(node) {
      for (operand, value) in run.operands(index).enumerated() {
        guard let axis = run.place(ofPositions: run.graph.type(of: node.inputs[operand])) else {
          continue
        }
        let moved = try run.results(index, operand, value.moved { $0[axis] == last })
        for (result, type) in node.types.enumerated() {
          guard let axis = run.place(ofPositions: type) else { continue }
          #expect(
            moved[result].elements(where: { $0[axis] < last })
              == run.results(index)[result].elements(where: { $0[axis] < last }),
            "\(node.op.mnemonic)")
        }
      }
    }
  }

  @Test("What only moves numbers makes none", arguments: OpKind.allSamples)
  func movement(sample: Sample) throws {
    let run = try SampleRun(sample)
    for (index, node) in run.graph.nodes.enumerated() {
      guard let op = node.op.forward, !node.inputs.isEmpty else { continue }
      let given = Set(run.operands(index)[0].floats).union([0, -.infinity])
      let isMoved = given.isSuperset(of: run.results(index)[0].floats)
      if op.movesNumbers { #expect(isMoved, "\(node.op.mnemonic)") }
    }
  }
}

/// A sample with all of its values.
private struct SampleRun {
  let graph: Graph
  private let interpreter: Interpreter
  private let run: Run

  init(_ sample: Sample) throws {
    graph = sample.graph
    let count = graph.batch.size * graph.context.size
    let tokens = (0..<count).map { Int32($0 * 5 % sample.graph.vocabulary.size) }
    var interpreter = Interpreter(graph, seed: 3, tokens: tokens, targets: tokens)
    interpreter.beginnings = RandomDocuments.beginnings(of: graph, seed: 3)
    self.interpreter = interpreter
    run = try interpreter.run()
  }

  func operands(_ node: Int) -> [TensorValue] {
    results(node).isEmpty ? [] : graph.nodes[node].inputs.map { run[$0] }
  }

  func results(_ node: Int) -> [TensorValue] { run.values[node] }

  /// The results of a node with another value as one of its operands.
  func results(_ node: Int, _ operand: Int, _ value: TensorValue) throws -> [TensorValue] {
    var inputs = operands(node)
    inputs[operand] = value
    return try interpreter.evaluate(Site(graph, node, inputs))
  }

  func place(ofPositions type: TensorType) -> Int? { type.axes.firstIndex(of: graph.context) }

  /// Whether the op's rule holds, with the context as the axis of positions.
  func isApart(_ node: Node) -> Bool {
    let types = node.inputs.map(graph.type(of:))
    return switch node.op.forward?.positions(types) {
    case .apart: true
    case .apartUnless(let axes, _): !axes.contains { $0 == graph.context }
    case .apartAt(let axis): place(ofPositions: types[0]) ?? axis == axis
    case .causal: types.allSatisfy { place(ofPositions: $0) == 1 && $0.axes[0] == graph.batch }
    case .joined, nil: false
    }
  }
}

extension TensorValue {
  /// The floats at some places moved a little; integers stay.
  fileprivate func moved(where isMoved: ([Int]) -> Bool) -> TensorValue {
    guard case .floats(let values) = elements else { return self }
    return TensorValue(
      shape,
      values.indices.map {
        isMoved(place($0)) ? values[$0] + 1e-3 * Double($0 % 3 + 1) : values[$0]
      })
  }

  /// The elements at some places.
  fileprivate func elements(where isWanted: ([Int]) -> Bool) -> [Double] {
    let values = integers.isEmpty ? floats : integers.map(Double.init)
    return values.indices.filter { isWanted(place($0)) }.map { values[$0] }
  }

  private func place(_ index: Int) -> [Int] {
    var (rest, place) = (index, [Int]())
    for size in shape.reversed() {
      place.append(rest % size)
      rest /= size
    }
    return place.reversed()
  }
}
