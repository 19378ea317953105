extension Graph {
  /// The graph as text, one node a line; `init(parsing:)` reads it back to an equal graph.
  ///
  ///     graph "makemoe"
  ///     axis B 16
  ///     batch B
  ///     context T
  ///     vocabulary V @ makemoe.swift:4:9
  ///     optimizer adamW learningRate 0.001 beta1 0.9 beta2 0.999 epsilon 1e-08 weightDecay 0.01
  ///     forward
  ///     %0 = input {kind "tokens", axes [B, T]} : i32[B, T] @ "" makemoe.swift:42:20
  ///     %1 = pointwise(%0) {f relu(x0)} : f32[B, T] @ block[3] "mixture"
  ///     return loss %1
  ///
  /// Below the optimizer stand the model's settings, if it has any: `setting "experts" whole 16 usual 8`.
  /// `forward` and `backward` stand where the phase changes. `%5` is the first result of the sixth
  /// node, `%5.1` its second; after the colon stand the types of all results, after `@` the use of
  /// `layers` and the scope in it, or the whole scope outside of layers, and the place in the model's
  /// source.
  public var text: String {
    var lines = headerLines
    var phase: Phase?
    for (index, node) in nodes.enumerated() {
      if node.phase != phase { lines.append(node.phase.rawValue) }
      phase = node.phase
      lines.append(line(of: index))
    }
    lines += outputs.map { "return \($0.output) \($0.value)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The line of one node.
  public func line(of index: Int) -> String {
    let node = nodes[index]
    let inputs = node.inputs.map(\.description).joined(separator: ", ")
    let attributes = node.op.operation.attributes
    return "%\(index) = \(node.op.mnemonic)"
      + (inputs.isEmpty ? "" : "(\(inputs))")
      + (attributes.entries.isEmpty ? "" : " \(attributes)")
      + " : " + node.types.map(\.description).joined(separator: ", ")
      + node.origin
  }

  private var headerLines: [String] {
    let place = vocabularyLocation.map { " @ \($0.text)" } ?? ""
    return ["graph \(name.quoted)"]
      + symbols.map { "axis \($0.name) \($0.size)" }
      + ["batch \(batch)", "context \(context)", "vocabulary \(vocabulary)\(place)"]
      + ["optimizer \(optimizer)"] + settings.map(\.line)
  }
}

extension Node {
  fileprivate var origin: String { Origin(scope, layer, location).text }
}

/// Where something stands in a model, as texts have it.
package struct Origin: Hashable, Sendable {
  package var scope: String
  package var layer: LayerPath?
  package var location: SourceLocation?

  package init(_ scope: String, _ layer: LayerPath?, _ location: SourceLocation?) {
    (self.scope, self.layer, self.location) = (scope, layer, location)
  }

  /// ` @ block[3] "mixture.up" makemoe.swift:30:7`; nothing where nothing is known.
  package var text: String {
    if scope.isEmpty && location == nil && layer == nil { return "" }
    let path = layer.map { "\($0) \(String($0.local(scope)).quoted)" } ?? scope.quoted
    return " @ \(path)" + (location.map { " \($0.text)" } ?? "")
  }
}

extension Value: CustomStringConvertible {
  /// `%5`, or `%5.1` for a result after the first.
  public var description: String { result == 0 ? "%\(node)" : "%\(node).\(result)" }
}

extension Output: CustomStringConvertible {
  /// `logits`, `loss`, `objective`, `term "balance" weight 0.01`, `gradient "token.weight"` or
  /// `state "loads"`.
  public var description: String {
    switch self {
    case .logits: "logits"
    case .loss: "loss"
    case .objective: "objective"
    case .term(let name, let weight): "term \(name.quoted) weight \(weight)"
    case .gradient(let parameter): "gradient \(parameter.quoted)"
    case .state(let name): "state \(name.quoted)"
    }
  }
}

extension Optimizer: CustomStringConvertible {
  /// `adamW learningRate 0.001 beta1 0.9 beta2 0.999 epsilon 1e-08 weightDecay 0.01`.
  public var description: String {
    "adamW learningRate \(learningRate) beta1 \(beta1) beta2 \(beta2) epsilon \(epsilon)"
      + " weightDecay \(weightDecay)"
  }
}

extension SourceLocation {
  /// As `description`, with the file in quotes if it holds anything but plain characters.
  package var text: String {
    let plain = !file.isEmpty && file.utf8.allSatisfy(\.isPlainInPath)
    return "\(plain ? file : file.quoted):\(line):\(column)"
  }
}
