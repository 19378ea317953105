import GraphIR
import Lowering

/// One kernel call.
public struct Call: Hashable, Sendable {
  /// What is done, and with what, by role.
  public var kernel: KernelCall<Operand>

  /// The layer's parameters that the optimizer may update block by block while their gradients, which
  /// this call makes, are in cache: nothing later reads the parameters or adds to the gradients.
  public var updates: Range<Int>?

  /// The scope below the layer's own.
  public var scope: String
  public var location: SourceLocation?

  /// Where the further parts of a joined call come from, in their order.
  package var joined: [Origin] = []

  /// What it costs at the full batch: the graph's nodes that it carries out, each counted once in all
  /// calls.
  public var cost = Cost.none
}

extension Call {
  public var action: Action { kernel.action }
  public var op: Op? { kernel.op }
  public subscript(role: Role) -> Operand? { kernel[role] }

  /// The scopes below the layer's own and the places in the model of all parts of the call.
  public var scopes: [String] { [scope] + joined.map(\.scope) }
  public var locations: [SourceLocation] {
    ([location] + joined.map(\.location)).compactMap(\.self)
  }

  /// What the call reads, and what it makes.
  public var inputs: [Operand] { kernel.operands.map(\.content) }
  public var results: [Operand] { kernel.results.map(\.content) }
  public var operands: [Operand] { inputs + results }
}

/// A value as a call reads or writes it.
public struct Operand: Hashable, Sendable {
  public var place: Place
  public var name: String
  public var type: TensorType
  public var layout: Layout

  /// What a parameter's gradient is called among operands.
  static func gradientName(of parameter: LayerParameter) -> String { "d_\(parameter.field)" }
}
