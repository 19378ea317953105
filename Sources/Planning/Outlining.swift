import GraphIR
import Lowering

/// What became of `layers(…)`: whether equal layers are one C function, and if not, why.
struct Outlining {
  private let program: Program
  private let uses: ValueUses
  private var partition: Partition { uses.partition }

  /// The layer's number of each section's plan, and the layers.
  private let layerOfSection: [Int]
  private let layers: [Layer]

  init(_ program: Program, _ uses: ValueUses, _ layerOfSection: [Int], _ layers: [Layer]) {
    self.program = program
    self.uses = uses
    self.layerOfSection = layerOfSection
    self.layers = layers
  }

  /// A note for each call of `layers` whose uses read alike and are not one function.
  var notes: [Diagnostic] {
    let families = families
    let order = families.keys.sorted { families[$0, default: []][0] < families[$1, default: []][0] }
    let split = order.filter { key in
      Set(families[key, default: []].map { layerOfSection[$0] }).count > 1
    }
    if split.isEmpty { return [] }
    let texts = texts
    return split.compactMap { (key: Family) -> Diagnostic? in
      let sections = families[key, default: []]
      var met: [[String]: Int] = [:]
      for section in sections {
        if let other = met[texts[section]], layerOfSection[other] != layerOfSection[section],
          !differsByFrozenParts(other, section)
        {
          return note(sections, other, section)
        }
        met[texts[section]] = section
      }
      return nil
    }
  }

  /// The sections of all uses of one call of `layers`, of those that have several the first, the second …
  private var families: [Family: [Int]] {
    var result: [Family: [Int]] = [:]
    var met: [LayerPath: Int] = [:]
    for (index, section) in partition.sections.enumerated() {
      guard let layer = section.layer else { continue }
      let number = met[layer, default: 0]
      met[layer] = number + 1
      result[Family(name: layer.family, number: number), default: []].append(index)
    }
    return result
  }

  private struct Family: Hashable {
    var name: String
    var number: Int
  }

  /// What each section computes in forward, as a text that is equal for layers that read alike.
  private var texts: [[String]] {
    partition.sections.map { section in
      let first = section.forward.first ?? 0
      let streams = section.forward.flatMap { program.calls[$0].kernel.streams }.min() ?? 0
      return section.forward.map { index in
        let call = program.calls[index]
        let kernel = call.kernel.countingStreams(from: streams).map { value in
          let maker = uses.maker(of: value) ?? -1
          return maker >= first
            ? "%\(maker - first).\(value.result)" : "\(program.type(of: value))"
        }
        let types = call.results.map(program.type(of:))
        let scope = section.layer?.local(call.scope) ?? ""
        let attributes = kernel.op.map { "\($0.operation.attributes)" } ?? ""
        let finish = kernel.finishesInOrder.map { "\($0.place) \($0.finish.expression)" }
        let operands = kernel.operands.map { "\($0.role) \($0.content)" }
        return "\(kernel.action.name) \(attributes) \(operands) \(types) \(finish) \(scope)"
      }
    }
  }

  /// Whether two uses have the same parameters and forward arguments where some parameters are frozen: backward
  /// then ends in one of them, as it is to.
  private func differsByFrozenParts(_ a: Int, _ b: Int) -> Bool {
    let (first, second) = (layers[layerOfSection[a]], layers[layerOfSection[b]])
    return program.parameters.contains(where: \.parameter.isFrozen)
      && first.parameters.map(\.field) == second.parameters.map(\.field)
      && first.forwardArguments.map(\.type) == second.forwardArguments.map(\.type)
  }

  private func note(_ sections: [Int], _ a: Int, _ b: Int) -> Diagnostic {
    let (first, second) = (layers[layerOfSection[a]], layers[layerOfSection[b]])
    let count = Set(sections.map { layerOfSection[$0] }).count
    let (scopeA, scopeB) = (partition.sections[a].scope, partition.sections[b].scope)
    return Diagnostic(
      at: first.location,
      "\(sections.count) uses of one layer are \(count) functions in C: \(scopeA) and \(scopeB)"
        + " read alike, but \(first.difference(from: second, scopeA, scopeB))",
      hint: "layers are one function where each takes what the one before returns, and nothing else"
        + " goes in or out")
  }
}

extension Layer {
  /// What is first found to be different, in words.
  fileprivate func difference(from other: Layer, _ name: String, _ otherName: String) -> String {
    func given(_ arguments: [Argument], _ isWritten: Bool) -> Set<String> {
      Set(arguments.filter { $0.isWritten == isWritten }.map { "\($0.name) \($0.type)" })
    }
    if let field = Set(parameters.map(\.field)).subtracting(other.parameters.map(\.field)).min() {
      return "\(name) learns \(field), which \(otherName) only reads"
    }
    if let field = Set(other.parameters.map(\.field)).subtracting(parameters.map(\.field)).min() {
      return "\(otherName) learns \(field), which \(name) only reads"
    }
    for (phase, own, others) in [
      ("", forwardArguments, other.forwardArguments),
      (" in backward", backwardArguments, other.backwardArguments),
    ] {
      for (isWritten, verb) in [(false, "is given"), (true, "hands on")] {
        let (left, right) = (given(own, isWritten), given(others, isWritten))
        if let more = left.subtracting(right).min() { return "\(name) \(verb) \(more)\(phase)" }
        if let more = right.subtracting(left).min() {
          return "\(otherName) \(verb) \(more)\(phase)"
        }
      }
    }
    for (phase, own, others) in [
      ("forward", forward, other.forward), ("backward", backward, other.backward),
    ] where own != others {
      let call = zip(own, others).first { $0 != $1 }?.0 ?? own.last
      let place = call?.location.map { " at line \($0.line)" } ?? ""
      return "they differ in \(phase)\(place)"
    }
    return "what they save or where they are written is not the same"
  }
}
