import GraphIR
import Lowering

/// Where an operand of a call lives.
public enum Place: Hashable, Sendable {
  /// The caller's tokens, targets, or the positions 0 ..< T.
  case source(Input.Kind)
  /// A parameter of the layer, or its gradient.
  case parameter(Int)
  case gradient(Int)
  /// A parameter that another layer owns.
  case borrowed(Int)
  /// Kept from forward to backward.
  case saved(Int)
  /// Overwritten within the same function.
  case scratch(Int)
  /// What a layer's forward or backward function is given and hands on.
  case argument(Int)
}

/// A value as a call reads or writes it.
public struct Operand: Hashable, Sendable {
  public var place: Place
  public var name: String
  public var type: TensorType
  public var layout: Layout

  /// Bytes of all elements, padding included.
  public var bytes: Int { layout.bytes(of: type) }

  /// What a parameter's gradient is called among operands.
  static func gradientName(of parameter: LayerParameter) -> String { "d_\(parameter.field)" }
}

/// The passes that make a call of forward.
public enum Purpose: String, Hashable, Sendable, CaseIterable {
  case every

  /// Those with targets: nothing but the loss and what stands beside it, terms and states, asks for what it makes.
  case loss = "for the loss"

  /// Those without: the loss makes logits of its own.
  case logits = "for logits alone"
}

/// One kernel call.
public struct Call: Hashable, Sendable {
  /// What is done, and with what, by role.
  public var kernel: KernelCall<Operand>

  /// The layer's parameters that the optimizer may update block by block while their gradients, which
  /// this call makes, are in cache: nothing later reads the parameters or adds to the gradients.
  public var updates: Range<Int>?

  /// What asks for what the call makes, where that is not every pass.
  public var purpose = Purpose.every

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
