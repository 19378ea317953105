import GraphIR
import Lowering

/// A program cut into sections that run one after the other: each use of `layers`, and what lies
/// before, between and after them.
struct Partition {
  struct Section {
    /// The use of `layers` whose work it is; nil outside of all.
    var layer: LayerPath?
    var forward: [Int] = []
    var backward: [Int] = []

    /// `decoder.block.3`, or empty outside of `layers`.
    var scope: String { layer?.scope ?? "" }
  }

  var sections: [Section] = []

  /// The section that makes each call.
  private(set) var sectionOfCall: [Int]

  /// - Parameter depth: down to which depth uses of `layers` that lie in one another have sections of
  ///   their own; what lies deeper belongs to those around it. At 0 there is one section for all.
  init(_ program: Program, depth: Int) {
    sectionOfCall = Array(repeating: 0, count: program.calls.count)
    let layers = program.calls.map { $0.layer?.truncated(toDepth: depth) }
    let maker = ProgramFacts(program).maker
    placeForward(program, layers, maker)
    placeBackward(program, layers, maker)
  }

  /// How deep uses of `layers` lie in one another.
  static func depth(of program: Program) -> Int {
    program.calls.reduce(0) { max($0, $1.layer?.depth ?? 0) }
  }

  /// Calls stand in dependency order, and so do sections: one begins where the layer changes.
  private mutating func placeForward(
    _ program: Program, _ layers: [LayerPath?], _ maker: [Value: Int]
  ) {
    for (index, call) in program.calls.enumerated() where call.phase == .forward {
      if let source = call.routedBy.flatMap({ maker[$0] }) {
        // The rows of a choice that several layers share follow from the choice alone.
        let known = sectionOfCall[source]
        sections[known].forward.append(index)
        sectionOfCall[index] = known
        continue
      }
      if sections.isEmpty || sections[sections.count - 1].layer != layers[index] {
        sections.append(Section(layer: layers[index]))
      }
      sections[sections.count - 1].forward.append(index)
      sectionOfCall[index] = sections.count - 1
    }
    if sections.isEmpty { sections.append(Section()) }
  }

  /// Gradients go back through the sections: each is made in the section of the layer that its call
  /// says, as soon as all that it reads is there. Of several sections of a layer, or outside of all,
  /// it is one with forward calls of the same scope, or else the one that comes first on the way back.
  private mutating func placeBackward(
    _ program: Program, _ layers: [LayerPath?], _ maker: [Value: Int]
  ) {
    let homes = forwardSections(program)
    for (index, call) in program.calls.enumerated() where call.phase == .backward {
      let latest =
        call.inputs.compactMap { maker[$0] }.filter { program.calls[$0].phase == .backward }
        .map { sectionOfCall[$0] }.min() ?? sections.count - 1
      let section =
        homes[Home(layer: layers[index], scope: call.scope)]?.last { $0 <= latest }
        ?? homes[Home(layer: layers[index])]?.last { $0 <= latest } ?? latest
      sections[section].backward.append(index)
      sectionOfCall[index] = section
    }
  }

  /// Where a call of backward may belong: a layer, and perhaps a scope in it.
  private struct Home: Hashable {
    var layer: LayerPath?
    var scope: String?
  }

  /// The sections with forward calls of each layer, and of each scope in it, ascending.
  private func forwardSections(_ program: Program) -> [Home: [Int]] {
    var result: [Home: [Int]] = [:]
    for (index, section) in sections.enumerated() {
      let scopes = Set(section.forward.map { program.calls[$0].scope })
      for home in [Home(layer: section.layer)]
        + scopes.map({ Home(layer: section.layer, scope: $0) })
      {
        result[home, default: []].append(index)
      }
    }
    return result
  }
}

extension Program.Call {
  /// The choice from which rows follow, or where their experts' begin.
  fileprivate var routedBy: Value? {
    if op?.kind == .route { return self[.choice] }
    return op?.kind == .exchangeCounts ? self[.start] : nil
  }
}
