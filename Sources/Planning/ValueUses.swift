import GraphIR
import Lowering

/// Who computes and who reads each value: the facts on which places are decided.
struct ValueUses {
  let program: Program
  let partition: Partition
  private let facts: ProgramFacts

  /// The parameters whose gradient a value is.
  private(set) var gradientOf: [Value: [Value]] = [:]

  /// The parameter to whose gradient a value is only the beginning: rows of a table's gradient are added to it
  /// where it lies.
  private(set) var grows: [Value: Value] = [:]

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

  /// The forward calls that not every pass makes: those that neither logits nor routers need, and those that
  /// nothing else needs. A loss that reads logits is none of them: it asks for targets itself.
  private(set) var purposes: [Int: Purpose] = [:]

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
    findGrowingGradients()
    findLayouts()
    findCallsForLoss()
    if !infers { findCallsForLogits() }
  }

  /// Of a table that is also a head, the head's gradient comes first, and what the looked up rows had is added.
  private mutating func findGrowingGradients() {
    for (gradient, parameters) in gradientOf where parameters.count == 1 {
      var sum = gradient
      while let part = addend(of: sum), readers(of: part).count == 1, outputs[part] == nil,
        gradientOf[part] == nil, maker(of: part) != nil
      {
        grows[part] = parameters[0]
        sum = part
      }
    }
  }

  /// What the rows of a table's gradient are added to.
  func addend(of value: Value) -> Value? {
    guard let call = call(making: value), case .embeddingGradient = call.op else { return nil }
    return call[.extra]
  }

  private mutating func findCallsForLoss() {
    var needed = Set(outputs.filter { $0.value.contains(.logits) }.keys)
    if needed.isEmpty { return }
    for (index, call) in program.calls.enumerated().reversed() where call.phase == .forward {
      if call.results.contains(where: { needed.contains($0) || isRouting($0) }) {
        needed.formUnion(call.inputs)
      } else if call.op?.kind != .crossEntropy {
        purposes[index] = .loss
      }
    }
  }

  /// What nothing needs at all stays with the loss, as what it reads may be there.
  private mutating func findCallsForLogits() {
    var needed = Set(outputs.filter { $0.value.contains { $0 != .logits } }.keys)
    for call in program.calls where call.phase == .backward { needed.formUnion(call.inputs) }
    for (index, call) in program.calls.enumerated().reversed() where call.phase == .forward {
      if call.results.contains(where: { needed.contains($0) || isRouting($0) }) {
        needed.formUnion(call.inputs)
      } else if purposes[index] == nil {
        purposes[index] = .logits
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
}
