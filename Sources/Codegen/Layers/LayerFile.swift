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

  init(_ context: Context, layer index: Int) {
    self.context = context
    self.index = index
    layer = context.plan.layers[index]
    functions = LayerFunctions(layer, among: context.plan.layers)
  }

  var file: GeneratedFile {
    let parts =
      [heading, includes, functions.text] + functions(.forward) + functions(.backward)
      + partFunctions + LayerBinding(context.layouts[index]).functions
    let text = parts.filter { !$0.isEmpty }.joined(separator: "\n\n")
    return GeneratedFile(path: "\(layer.name).c", text: text + "\n")
  }

  /// The kernel files that the layer calls.
  var kernels: [String] {
    let called = (layer.forward + layer.backward).compactMap(\.code.kernel)
    return Array(Set(called + functions.kernels + (usesKeys ? ["random"] : []))).sorted()
  }

  private var usesKeys: Bool { (layer.forward + layer.backward).contains(where: \.isRandom) }

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
      "parameters \(parameters.grouped)", "forward \(Self.mega(layer.flops(.forward))) MFLOP",
      "backward \(Self.mega(layer.flops(.backward))) MFLOP", "saved \(saved.grouped) bytes",
    ]
  }

  private static func mega(_ flops: Int) -> String {
    let tenths = (flops + 50_000) / 100_000
    return tenths >= 1000 ? ((tenths + 5) / 10).grouped : "\(tenths / 10).\(tenths % 10)"
  }

  /// The phase's function, and below it those of its runs by sequence.
  private func functions(_ phase: Phase) -> [String] {
    let signature = LayerSignature(layer, phase, of: context.plan)
    if signature.calls.isEmpty { return [] }
    let lines = runs(phase).enumerated().flatMap { index, item in
      let (run, number) = item
      let own = self.signature(phase, run, number)
      return (index > 0 ? [""] : []) + statements(of: run, number, own)
    }
    return [function(signature, []) { lines }] + sequenceFunctions(phase)
  }

  private func statements(
    of run: CallRun, _ number: Int, _ own: LayerSignature
  ) -> [String] {
    switch run.kind {
    case .inTurn: body(own.calls) { _ in emitter(for: nil) }
    case .bySequence: sequenceRegion(own).map { "    " + $0 }
    case .together: sharedRegion(own.calls, number, own.phase)
    }
  }

  func function(
    _ signature: LayerSignature, _ comment: [String], _ body: () -> [String]
  ) -> String {
    let lines = body()
    let unread = signature.names.filter { !Self.mentions(lines.joined(separator: "\n"), $0) }
      .filter { $0 != "pass" || passSizes(lines).isEmpty }
    return
      (comment + [signature.head(" {")] + passSizes(lines) + unread.map { "    (void)\($0);" }
      + lines + ["}"]).joined(separator: "\n")
  }

  /// B and T of the pass, which hide the model's.
  private func passSizes(_ lines: [String]) -> [String] {
    let plan = context.plan
    let code = lines.joined(separator: "\n")
    let sizes = [(plan.sequences, "sequences"), (plan.positions, "length")].compactMap {
      axis, field in
      let name = CNames.size(axis)
      return Self.mentions(code, name) ? "\(name) = pass->\(field)" : nil
    }
    if sizes.isEmpty { return [] }
    return ["    const int \(sizes.joined(separator: ", "));  // of this pass", ""]
  }

  /// Whether C code (comments apart) contains a name as a word of its own.
  static func mentions(_ code: String, _ name: String) -> Bool {
    code.split(separator: "\n").contains { line in
      let statement = line.trimmed.hasPrefix("//") ? "" : line
      return statement.split(whereSeparator: { !($0.isLetter || $0.isNumber || $0 == "_") })
        .contains { $0 == name }
    }
  }

  /// Writes the layer's calls: for the whole batch, or for a thread's own part of it.
  func emitter(for batch: Axis?, share: String? = nil) -> CallEmitter {
    CallEmitter(
      layer: layer, functions: functions, batch: batch,
      kept: context.generation.cache == nil ? nil : context.plan.positions, share: share)
  }

  /// The lines of each call of a phase, as they stand in the file but for their indentation.
  func lines(_ phase: Phase) -> [[String]] {
    runs(phase).flatMap { run, number in
      signature(phase, run, number).calls.enumerated().map { index, call in
        emitter(
          for: run.kind == .bySequence ? context.plan.sequences : nil,
          share: run.kind == .together ? "shares[\(index)]" : nil
        ).lines(call)
      }
    }
  }

  /// - Parameter emitter: for the call with a number.
  func body(_ calls: [Call], _ emitter: (Int) -> CallEmitter) -> [String] {
    var lines: [String] = []
    var place: SourceLocation?
    for (index, call) in calls.enumerated() {
      let comments = comments(call, after: place)
      if !comments.isEmpty { lines += (lines.isEmpty ? [] : [""]) + comments.map { "    " + $0 } }
      place = call.locations.last ?? place
      lines += emitter(index).lines(call).map { "    " + $0 }
    }
    return lines
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
