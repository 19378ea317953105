import GraphIR
import Lowering
import Planning
import Words

/// One layer's file: where it comes from, then forward and backward as the model reads.
struct LayerFile {
  let context: Context
  let layer: Layer
  let index: Int
  private let functions: LayerFunctions

  /// A phase's function first, below it those of its runs by sequence; none without calls.
  private(set) var forward: [LayerFunction] = []
  private(set) var backward: [LayerFunction] = []

  init(_ context: Context, layer index: Int) {
    self.context = context
    self.index = index
    layer = context.plan.layers[index]
    functions = LayerFunctions(layer, among: context.plan.layers)
    forward = functions(.forward)
    backward = functions(.backward)
  }

  /// The function of a phase; nil if there is none to call.
  func signature(_ phase: Phase) -> LayerSignature? {
    (phase == .forward ? forward : backward).first?.signature
  }

  var path: String { "\(layer.name).c" }

  var file: GeneratedFile { GeneratedFile(path: path, statements) }

  /// The whole file.
  var statements: [Statement] {
    let beginning = [heading, includes, functions.text].filter { !$0.isEmpty }.map {
      [Statement(text: $0)]
    }
    let ends =
      (partFunctions
      + LayerBinding(context.layouts[index], sharesExperts: context.plan.sharesExperts).functions
      .map(\.text))
      .map { [Statement(text: $0)] }
    let parts = beginning + (forward + backward).map(\.statements) + ends
    return Array(parts.joined(separator: [.blank]))
  }

  /// The kernel files that the layer calls.
  var kernels: [String] {
    let called = (layer.forward + layer.backward).compactMap(\.code.kernel)
    let draws = (forward + backward).contains { $0.signature.parts.contains(.stream) }
    return Array(Set(called + functions.kernels + (draws ? ["random"] : []))).sorted()
  }

  private var includes: String {
    let known = KernelFile.needed(by: kernels).map(\.name).filter(kernels.contains)
    let lines = known.map { "#include \"kernels/\($0).h\"" }
    return (["#include \"\(layer.name).h\""] + lines).joined(separator: "\n")
  }
}

extension LayerFile {
  private var heading: String {
    let place = layer.location.map { ", \($0.file):\($0.line)" } ?? ""
    let uses = context.uses(of: index)
    var lines = [context.heading("\(layer.name).c"), "//"]
    lines.append(CNames.comment("\(layer.name)\(place). \(Self.usage(uses))"))
    lines += ["//", "//   " + facts.joined(separator: "      ")]
    return lines.joined(separator: "\n")
  }

  private static func usage(_ uses: [LayerUse]) -> String {
    guard let first = uses.first, let last = uses.last, uses.count > 1 else { return "Used once." }
    return "Used \(uses.count) times: \(first.scope) to \(last.scope)."
  }

  private var facts: [String] {
    let parameters = layer.parameters.reduce(0) { $0 + $1.type.count }
    let saved = layer.saved.reduce(0) { $0 + $1.bytes }
    return [
      "parameters \(parameters.grouped)", "forward \(flopText(layer.flops(.forward)))",
      "backward \(flopText(layer.flops(.backward)))", "saved \(saved.grouped) bytes",
    ]
  }

  private func functions(_ phase: Phase) -> [LayerFunction] {
    if layer.calls(phase).isEmpty { return [] }
    var statements: [Statement] = []
    var own: [LayerFunction] = []
    for (run, number) in runs(phase) {
      if !statements.isEmpty { statements.append(.blank) }
      switch run.kind {
      case .inTurn: statements += body(run, phase) { _ in emitter(for: nil) }.indented
      case .bySequence:
        let function = sequenceFunction(run, number, phase)
        own.append(function)
        statements += sequenceRegion(function.signature).indented
      case .together: statements += sharedRegion(run, number, phase).indented
      }
    }
    return [LayerFunction(layer, phase, statements, sizes: passSizes)] + own
  }

  /// B and T of the pass, which hide the model's.
  func passSizes(_ uses: Set<CVariable>) -> [Statement] {
    let pass = CExpression.pass
    let sizes = [
      (CVariable.sequences, context.plan.sequences, "sequences"),
      (.positions, context.plan.positions, "length"),
    ].compactMap { variable, axis, field -> CExpression? in
      uses.contains(variable) ? "\(CNames.size(axis)) = \(pass)->\(field)" : nil
    }
    if sizes.isEmpty { return [] }
    return [
      Statement("    const int \(sizes.joined(separator: ", "));  // of this pass"), .blank,
    ]
  }

  /// Writes the layer's calls: for the whole batch, or for a thread's own part of it.
  func emitter(for batch: Axis?, share: String? = nil) -> CallEmitter {
    CallEmitter(
      layer: layer, functions: functions, batch: batch,
      kept: context.generation.cache == nil ? nil : context.plan.positions,
      takesDocuments: context.plan.graph.takesDocuments, share: share)
  }

  /// The calls of a run, each below the model's line that it comes from; those for the loss alone, and
  /// for logits alone, are made where these are asked for.
  ///
  /// - Parameter emitter: for the call with a number in the run.
  func body(_ run: CallRun, _ phase: Phase, _ emitter: (Int) -> CallEmitter) -> [Statement] {
    let calls = run.calls.map { layer.calls(phase)[$0] }
    var statements: [Statement] = []
    var place: SourceLocation?
    for (index, number) in run.calls.enumerated() {
      let call = calls[index]
      let isFirst = index == 0 || calls[index - 1].purpose != call.purpose
      if isFirst, let condition = call.purpose.condition {
        statements += index == 0 ? [] : [.blank]
        statements.append(Statement("if (\(condition)) {"))
      }
      let isConditional = call.purpose != .every
      let depth = { (statement: Statement) in isConditional ? statement.indented : statement }
      let comments = comments(call, after: place)
      if !comments.isEmpty {
        statements += isFirst && (isConditional || index == 0) ? [] : [.blank]
        statements.append(depth(Statement(lines: comments)))
      }
      place = call.locations.last ?? place
      var statement = depth(emitter(index).statement(call))
      statement.site = .call(phase, number)
      statements.append(statement)
      let isLast = index + 1 == calls.count || calls[index + 1].purpose != call.purpose
      if isLast, isConditional { statements.append(Statement("}")) }
    }
    return statements
  }

  /// `// makemoe.swift:24   let weights = top.softmax()`, of each part of a joined call; nothing for a
  /// line that the calls before come from.
  private func comments(_ call: Call, after place: SourceLocation?) -> [String] {
    var last = place
    return call.locations.compactMap { location in
      if location.line == last?.line && location.file == last?.file { return nil }
      last = location
      return CNames.comment("\(location.file):\(location.line)   \(context.sourceLine(location))")
    }
  }
}

extension ScalarExpression {
  /// `plainName`, but for the names that the C library has taken.
  var functionName: String? {
    guard case .unary(let function, .input) = self, function.cFunction != nil else {
      return plainName
    }
    return "apply_\(function.rawValue)"
  }

  /// The name that a person would give the function; nil where there is no common one.
  var plainName: String? {
    switch self {
    case .unary(let function, .input): function.rawValue
    case .binary(.add, .input, .input): "add"
    case .binary(.subtract, .input, .input): "subtract"
    case .binary(.multiply, .input, .input): "multiply"
    case .binary(.divide, .input, .input): "divide"
    case .binary(.maximum, .input, .input): "maximum"
    case .binary(.minimum, .input, .input): "minimum"
    case .binary(.multiply, .constant, .input): "scale"
    case .binary(.multiply, .input, .keep), .binary(.multiply, .keep, .input): "dropout"
    case .binary(.add, .input, .binary(.multiply, .input, .keep)),
      .binary(.add, .input, .binary(.multiply, .keep, .input)):
      "add_dropout"
    case .binary(.multiply, .input, .unary(.step, .input)),
      .binary(.multiply, .unary(.step, .input), .input):
      "relu_gradient"
    case .constant(1): "set_to_one"
    case .input, .constant, .unary, .binary, .normal, .keep: nil
    }
  }
}

extension Purpose {
  /// What tells the passes that make a call; nil: all do.
  fileprivate var condition: CExpression? {
    switch self {
    case .every: nil
    case .loss: "\(CExpression.pass)->targets"
    case .logits: "!\(CExpression.pass)->targets"
    }
  }
}
