import GraphIR
import Lowering

/// Who computes and who reads each value: the facts on which places are decided.
struct ValueUses {
  let program: Program
  let partition: Partition
  private let facts: ProgramFacts

  /// The parameters whose gradient a value is.
  private(set) var gradientOf: [Value: [Value]] = [:]

  /// The parameters that have a gradient.
  private var learned: Set<Value> = []

  /// What the caller is handed out of forward, each with all that it is.
  private(set) var outputs: [Value: [Output]] = [:]

  /// The section that owns each parameter.
  private(set) var owner: [Value: Int] = [:]

  /// How each parameter lies in memory.
  private(set) var layouts: [Value: Layout] = [:]

  /// The parameters that each section owns, in order of creation.
  private(set) var owned: [[Value]]

  /// The forward calls that neither logits nor routers need. The loss's own is none of them: it asks for
  /// targets itself.
  private(set) var callsForLoss: Set<Int> = []

  /// Whether the program gives logits and nothing else.
  let infers: Bool

  /// Parameters and inputs.
  private let sources: [Value: Program.Source]

  init(_ program: Program, _ partition: Partition) {
    self.program = program
    self.partition = partition
    facts = ProgramFacts(program)
    infers = program.infers
    sources = Dictionary(uniqueKeysWithValues: program.sources.map { ($0.value, $0) })
    owned = partition.sections.map { _ in [] }
    recordOutputs()
    for (value, _) in program.parameters {
      let section = readers(of: value).map { partition.sectionOfCall[$0] }.min() ?? 0
      owner[value] = section
      owned[section].append(value)
    }
    findLayouts()
    findCallsForLoss()
  }

  private mutating func findCallsForLoss() {
    var needed = Set(outputs.filter { $0.value.contains(.logits) }.keys)
    if needed.isEmpty { return }
    for (index, call) in program.calls.enumerated().reversed() where call.phase == .forward {
      if call.results.contains(where: { needed.contains($0) || isRouting($0) }) {
        needed.formUnion(call.inputs)
      } else if call.op?.kind != .crossEntropy {
        callsForLoss.insert(index)
      }
    }
  }

  private mutating func findLayouts() {
    var gradients: [Value: [Value]] = [:]
    for (gradient, parameters) in gradientOf {
      for parameter in parameters { gradients[parameter, default: []].append(gradient) }
    }
    for (value, _) in program.parameters {
      layouts[value] = layout(ofParameter: value, gradients[value] ?? [])
    }
  }

  private mutating func recordOutputs() {
    let parameters = Dictionary(
      program.parameters.map { ($0.parameter.name, $0.value) },
      uniquingKeysWith: { first, _ in first })
    for binding in program.outputs {
      switch binding.output {
      case .logits, .loss, .objective, .term, .state:
        outputs[binding.value, default: []].append(binding.output)
      case .gradient(let name):
        guard let parameter = parameters[name] else { continue }
        gradientOf[binding.value, default: []].append(parameter)
        learned.insert(parameter)
      }
    }
  }

  /// Checks that every gradient is computed in the section that owns its parameter, where it is stored.
  ///
  /// - Throws: what is not. A gradient that is just what comes back from the next layer, as for a
  ///   parameter of the shape of the activations, is not.
  func checkGradients() throws(Diagnostic) {
    let away = gradientOf.flatMap { value, parameters in
      parameters.filter { owner[$0] != section(of: value) }
    }
    guard let value = away.min(), let source = sources[value],
      case .parameter(let parameter) = source.op
    else { return }
    throw Diagnostic(
      at: source.location,
      "the gradient of \(parameter.name) is made in another layer than its own")
  }
}

extension ValueUses {
  /// The parameter or input that a value is, if nothing computes it.
  func source(of value: Value) -> Program.Source? { sources[value] }

  /// The call that makes a value, by its number.
  func maker(of value: Value) -> Int? { facts.maker[value] }

  /// The call that makes a value.
  func call(making value: Value) -> Program.Call? { maker(of: value).map { program.calls[$0] } }

  /// The calls that read a value, ascending.
  func readers(of value: Value) -> [Int] { facts.readers(of: value) }

  func phase(of value: Value) -> Phase { call(making: value)?.phase ?? .forward }

  /// The section that computes a value; nil for parameters and inputs, which nothing computes.
  func section(of value: Value) -> Int? { maker(of: value).map { partition.sectionOfCall[$0] } }

  func isParameter(_ value: Value) -> Bool { owner[value] != nil }

  /// Whether a rule updates a parameter.
  func isState(_ parameter: Value) -> Bool {
    if case .parameter(let op) = sources[parameter]?.op { op.isState } else { false }
  }

  /// What changes a parameter: AdamW where backward computes its gradient.
  func update(of parameter: Value) -> Update {
    isState(parameter) ? .rule : learned.contains(parameter) ? .adamW : .none
  }

  /// Whether a value leaves the section that computes it.
  func isEdge(_ value: Value) -> Bool {
    guard let home = section(of: value) else { return false }
    if outputs[value] != nil { return true }
    return readers(of: value).contains { partition.sectionOfCall[$0] != home }
  }

  /// Whether a forward value stays within its section but is read when that has run: by backward, or
  /// because it tells what a router chose.
  func isSaved(_ value: Value) -> Bool {
    guard phase(of: value) == .forward, !isEdge(value) else { return false }
    return isRouting(value) || isOfKeptAttention(value)
      || readers(of: value).contains { program.calls[$0].phase == .backward }
  }

  /// Whether attention reads or makes a value in a library that only infers, and passes go on where others
  /// ended: its rows are found by their positions.
  private func isOfKeptAttention(_ value: Value) -> Bool {
    guard infers, program.recomputation == nil else { return false }
    if let call = call(making: value), case .attention = call.op {
      return call.kernel.result(.output) == value
    }
    return isKept(value)
      || readers(of: value).contains { isAttention($0, reading: value, as: [.queries]) }
  }

  /// Whether attention of a later pass reads a value again: keys and values.
  func isKept(_ value: Value) -> Bool {
    guard infers, program.recomputation == nil else { return false }
    return readers(of: value).contains {
      isAttention($0, reading: value, as: [.keys, .values, .projections])
    }
  }

  private func isAttention(_ call: Int, reading value: Value, as roles: [Role]) -> Bool {
    guard case .attention = program.calls[call].op else { return false }
    return roles.contains { program.calls[call].kernel.all($0).contains(value) }
  }

  /// Whether a value is a router's choice of experts, their rows, the weights that it combines by, or
  /// what tells the optimizer which experts had rows: it asks even where no gradient does.
  private func isRouting(_ value: Value) -> Bool {
    if let route = call(making: value), case .route = route.op {
      return route.kernel.result(.slot) == value
        || readers(of: value).map { program.calls[$0] }.contains {
          start(ofExperts: $0) == value || $0.op?.kind == .exchangeCounts
        }
    }
    let isOfTop = call(making: value)?.op?.kind == .top
    return readers(of: value).map { program.calls[$0] }.contains { reader in
      reader.op?.kind == .route && isOfTop
        || reader.op?.kind == .combine && reader[.gates] == value
    }
  }

  /// The first rows of the experts whose weights a forward call applies, those of this rank's own tokens; nil for
  /// any other call.
  func start(ofExperts call: Program.Call) -> Value? {
    guard appliesExperts(call), let start = call[.start] else { return nil }
    guard let counts = self.call(making: start), counts.op?.kind == .exchangeCounts else {
      return start
    }
    return counts[.start]
  }

  private func appliesExperts(_ call: Program.Call) -> Bool {
    call.op?.forward?.sortedRows == .byStart
  }

  /// Whether a forward call over rows by expert has a parameter for its weights or biases.
  func isExperts(_ parameter: Value, of call: Program.Call) -> Bool {
    guard appliesExperts(call) else { return false }
    return (call.kernel.all(.weights) + call.kernel.all(.bias)).contains(parameter)
  }

  /// The layout in which a parameter lives: panels where only linear layers use it. A state lies as its
  /// rule makes it.
  private func layout(ofParameter parameter: Value, _ gradients: [Value]) -> Layout {
    let type = program.type(of: parameter)
    if isState(parameter) { return .rowMajor }
    let readers = readers(of: parameter)
    let weights = readers.filter { isWeight(parameter, of: program.calls[$0]) }
    guard type.axes.count >= 2, !weights.isEmpty,
      readers.allSatisfy({ weights.contains($0) || (infers && isTable(parameter, of: $0)) })
    else { return .rowMajor }
    for gradient in gradients {
      guard gradientOf[gradient]?.count == 1, self.readers(of: gradient).isEmpty,
        isWeightGradient(gradient)
      else { return .rowMajor }
    }
    return Self.panels(type)
  }

  /// Whether a value is a weight's gradient, which kernels make in panels.
  func isWeightGradient(_ value: Value) -> Bool {
    guard let call = call(making: value), case .linearWeightGradient = call.op else {
      return false
    }
    return call.kernel.results(.weights).contains(value)
  }

  /// Panels of a weight's type: [O, I], or [E, O, I] by expert.
  static func panels(_ type: TensorType) -> Layout {
    let axes = type.axes
    let stack = axes.dropLast(2).reduce(1) { $0 * $1.size }
    return .panels(
      stack: stack, outputs: axes[axes.count - 2].size, inputs: axes[axes.count - 1].size)
  }

  /// Whether a call looks rows up in a value: one that is also a head is in panels for that, where nothing learns.
  private func isTable(_ value: Value, of call: Int) -> Bool {
    let call = program.calls[call]
    return call.op?.kind == .embedding && call[.table] == value
  }

  /// Whether a call reads a value as the weights of a linear layer and as nothing else.
  private func isWeight(_ value: Value, of call: Program.Call) -> Bool {
    guard call.op?.kind == .linear || call.op?.kind == .linearInputGradient else { return false }
    return call.kernel.operands.allSatisfy { $0.content != value || $0.role == .weights }
  }
}
