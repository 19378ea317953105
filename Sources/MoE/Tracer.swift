import GraphIR
import Words

/// Records a model while its closure runs: nodes, scopes, names, errors.
///
/// One tracer belongs to one trace on one thread, and the task-local `current` hands it to
/// functions without a tensor to ask; tests trace side by side.
final class Tracer: @unchecked Sendable {
  @TaskLocal static var current: Tracer?

  var builder: GraphBuilder
  private(set) var diagnostics: [Diagnostic] = []
  private var reported: Set<String> = []

  /// The open scopes, and the paths of each and all around it.
  private var scopes: [(part: LayerPath.Part, path: String, layer: LayerPath?)] = []

  /// Where each layer and shared parameter was made.
  var claims: [String: Site] = [:]

  /// Every parameter by its name in C, where scopes are joined with `_`.
  var parameterNames: [String: (name: String, site: Site)] = [:]

  /// The terms of the objective, in order, and where each name was given.
  var terms: [Term] = []
  var termSites: [String: Site] = [:]

  /// The tokens, where the model was declared, and the targets once something has asked for them.
  var tokens: (value: Value?, site: Site)?
  var targets: Value?

  /// Where a model first asks which targets count.
  var countedAt: Site?

  /// What the model lets others choose.
  var settings = Settings()

  /// Which parameters keep their values.
  var frozen: [ParameterPattern] = []

  /// The states, in order.
  var states: [DeclaredState] = []

  /// Every axis name in use: its size and where it was declared, or made by `heads` and `top`.
  var symbols: [String: (size: Int, site: Site)] = [:]

  /// Every size with which an axis name was declared, used or not.
  var declared: [String: Set<Int>] = [:]

  /// The rows that each routing sorts, so that two uses of one routing meet.
  var routes: [RouteKey: [Value]] = [:]

  /// Where operators stand, if this process is the model's own program.
  var places: OperatorPlaces?

  let linearWeights: WeightInitializer
  let decaying: Decaying
  private var streams = 0
  private var calls = 0

  init(_ graph: Graph, linearWeights: WeightInitializer, decaying: Decaying = .all) {
    builder = GraphBuilder(graph)
    self.linearWeights = linearWeights
    self.decaying = decaying
  }

  /// The number of the next random stream.
  func nextStream() -> Int {
    defer { streams += 1 }
    return streams
  }

  /// A number that grows with every tensor.
  func nextOrder() -> Int {
    calls += 1
    return calls
  }
}

extension Tracer {
  /// Opens a scope, or a use of `layers`, within those that are open.
  func open(_ part: LayerPath.Part) {
    let layer =
      part.index == nil ? scopes.last?.layer : LayerPath(scopes.map(\.part) + [part])
    scopes.append((part, path(part.scope), layer))
  }

  func closeScope() { scopes.removeLast() }

  /// The layer that is open; nil outside of `layers`.
  var layer: LayerPath? { scopes.last?.layer }

  /// The path of the open scopes, and of a layer in them.
  func path(_ name: String? = nil) -> String {
    guard let open = scopes.last?.path else { return name ?? "" }
    return name.map { "\(open).\($0)" } ?? open
  }

  /// A call of an unnamed function.
  func call(_ name: String, _ file: String, _ line: Int, _ column: Int) -> Call {
    Call(name: name, site: Site(file, line, column, name: name), scope: path())
  }

  /// A call of a function that makes a layer.
  func call(_ name: String, layer: String, _ file: String, _ line: Int, _ column: Int) -> Call {
    Call(name: name, site: Site(file, line, column, name: name), scope: path(layer))
  }
}

extension Tracer {
  /// Collects an error; the same text at the same place counts once, in however many layers.
  func report(_ message: String, at site: Site, hint: String? = nil, key: String? = nil) {
    let diagnostic = Diagnostic(at: site.location, message, hint: hint)
    guard reported.insert("\(site.location) \(key ?? message)").inserted else { return }
    diagnostics.append(diagnostic)
  }

  /// Collects an error of a call, which is named first.
  func report(_ message: String, _ call: Call, hint: String? = nil, key: String? = nil) {
    report("\(call.name): \(message)", at: call.site, hint: hint, key: key)
  }

  /// A tensor in place of one that could not be made; whatever is done with it is silent.
  func poison(_ site: Site) -> Tensor { Tensor(self, nil, site) }
}

extension Tracer {
  /// Adds a node; nil after an error, or if an operand comes from one.
  func emit(_ op: Op, _ inputs: [Tensor], _ call: Call, hint: String? = nil) -> [Value]? {
    guard inputs.allSatisfy({ $0.tracer === self }) else {
      report("a tensor of another model", call, hint: "a tensor lives in the closure that made it")
      return nil
    }
    let values = inputs.compactMap(\.value)
    guard values.count == inputs.count else { return nil }
    return emit(op, values, call, hint: hint)
  }

  /// Adds a node with operands that exist, in the open layer and scope, or where `home` was made.
  func emit(
    _ op: Op, _ values: [Value], _ call: Call, hint: String? = nil, home: Value? = nil
  ) -> [Value]? {
    let neighbour = home.map { builder.graph.nodes[$0.node] }
    builder.scope = neighbour?.scope ?? call.scope
    builder.layer = neighbour.map(\.layer) ?? layer
    builder.location = call.made.node
    do {
      let results = try builder.apply(op, values)
      return results.allSatisfy({ isSane(builder.type(of: $0), call) }) ? results : nil
    } catch {
      report(
        Self.detail(error.message), call,
        hint: error.hint ?? hint ?? Self.usualHint(call.name))
      return nil
    }
  }

  /// Adds a node and gives its first result.
  func tensor(_ op: Op, _ inputs: [Tensor], _ call: Call, hint: String? = nil) -> Tensor {
    Tensor(self, emit(op, inputs, call, hint: hint)?.first, call.made)
  }

  /// The message without the op's own name, which need not be the function's.
  private static func detail(_ message: String) -> String {
    guard let colon = message.firstIndex(of: ":"), !message[..<colon].contains(" ") else {
      return message
    }
    return String(message[message.index(after: colon)...].drop { $0 == " " })
  }

  /// Whether the number of elements is one that a machine could have.
  private func isSane(_ type: TensorType, _ call: Call) -> Bool {
    var count = 1
    for axis in type.axes {
      let (product, overflow) = count.multipliedReportingOverflow(by: axis.size)
      if overflow || product > 1 << 40 {
        report(
          "\(type) has more elements than any memory", call, hint: "make an axis shorter",
          key: "too large")
        return false
      }
      count = product
    }
    return true
  }
}
