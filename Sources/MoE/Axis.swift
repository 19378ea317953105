import GraphIR

/// A named axis with a static size; `4 * C` and `C / 4` are axes of their own.
///
///     let C = Axis("C", 128)    // C has size 128, 4 * C has size 512
///
/// The name is a letter followed by letters, digits and `_`; the size is at least 1. Two axes are
/// the same when they are written alike. What is wrong with an axis is reported when a model uses
/// it.
public struct Axis: Sendable {
  /// What the graph knows of the axis; of size 1 if the declaration is wrong.
  let core: GraphIR.Axis

  /// Where each of the core's symbols was declared.
  let origins: [Site]

  /// What is wrong with it, and where; nil: where it is used.
  let problems: [Problem]

  struct Problem: Hashable, Sendable {
    var site: Site?
    var message: String
  }

  init(core: GraphIR.Axis, origins: [Site], problems: [Problem]) {
    self.core = core
    self.origins = origins
    self.problems = problems
  }

  /// Declares an axis.
  public init(
    _ name: String, _ size: Int, file: String = #filePath, line: Int = #line, column: Int = #column
  ) {
    let site = Site(file, line, column, name: "Axis")
    var problems: [Problem] = []
    if !(1...Self.largest).contains(size) {
      let bound = size < 1 ? "at least 1" : "at most \(Self.largest)"
      let message = "axis \(name): the size must be \(bound), got \(size)"
      problems.append(.init(site: site, message: message))
    }
    if !Names.isAxis(name) {
      let rule = "is a letter followed by letters, digits and _"
      let message = "axis \"\(name)\": a name \(Names.problem(name, rule: rule))"
      problems.append(.init(site: site, message: message))
    }
    Declarations.note(name, size)
    core = GraphIR.Axis(name, problems.isEmpty ? size : 1)
    origins = [site]
    self.problems = problems
  }

  /// Positions are counted in 32 bits.
  static let largest = Int(Int32.max)

  /// The number of positions along the axis.
  public var size: Int { core.size }
}

extension Axis {
  /// The axis of all pairs of positions.
  ///
  ///     (a * b).size = a.size b.size    written a·b
  public static func * (a: Axis, b: Axis) -> Axis {
    Axis(core: a.core * b.core, origins: a.origins + b.origins, problems: a.problems + b.problems)
  }

  /// An axis `factor` times as long.
  ///
  ///     (factor * axis).size = factor axis.size    written as in 4C
  public static func * (factor: Int, axis: Axis) -> Axis {
    axis.scaled(factor, "factor", "\(factor) * \(axis)") { factor * $0 }
  }

  /// An axis `factor` times as long.
  ///
  ///     (factor * axis).size = factor axis.size    written as in 4C
  public static func * (axis: Axis, factor: Int) -> Axis { factor * axis }

  /// An axis `divisor` times shorter; the division must come out even where the axis is used.
  ///
  ///     (axis / divisor).size = axis.size / divisor    written as in C/4
  public static func / (axis: Axis, divisor: Int) -> Axis {
    axis.scaled(divisor, "divisor", "\(axis) / \(divisor)") { $0 / divisor }
  }

  private func scaled(
    _ factor: Int, _ kind: String, _ text: String, _ change: (GraphIR.Axis) -> GraphIR.Axis
  ) -> Axis {
    if factor >= 1 { return Axis(core: change(core), origins: origins, problems: problems) }
    let problem = Problem(site: nil, message: "axis \(text): the \(kind) must be at least 1")
    return Axis(core: core, origins: origins, problems: problems + [problem])
  }
}

extension Axis: Hashable, CustomStringConvertible {
  /// Whether both are written alike.
  ///
  ///     4 * C == C * 4    Axis("C", 8) != Axis("E", 8)
  public static func == (a: Axis, b: Axis) -> Bool { a.core == b.core }

  /// Hashes what is written.
  public func hash(into hasher: inout Hasher) { hasher.combine(core) }

  /// As written in types: `C`, `4C`, `C/4`.
  public var description: String { core.description }
}
