import CModelABI
import GraphIR
import Interpreter
import ModelRuntime

/// A compiled model and the oracle with the same parameters, tokens, targets and seed.
public struct Trial: Sendable {
  /// The graph with gradients, but without any pass that can be left out: what the oracle runs.
  public let reference: Graph
  public let library: ModelLibrary
  public var parameters: [String: [Float]]
  public var tokens: [Int32]
  public var targets: [Int32]

  /// Where each token's document begins; none where rows are one document each.
  public var beginnings: [Int32]
  public var seed: UInt64

  /// Draws parameters by their initializers, and tokens and targets from the vocabulary.
  ///
  /// - Parameter ignored: which targets are ignored.
  public init(
    _ reference: Graph, _ library: ModelLibrary, seed: UInt64 = 1,
    ignoring ignored: IgnoredTargets = .none
  ) {
    self.reference = reference
    self.library = library
    self.seed = seed
    parameters = Interpreter.initialParameters(of: reference, seed: seed)
      .mapValues { $0.map(Float.init) }
    beginnings = RandomDocuments.beginnings(of: reference, seed: seed)
    tokens = Self.ids(of: reference, seed: seed, stream: 1 << 40)
    targets = ignored.among(
      Self.ids(of: reference, seed: seed, stream: 1 << 41), seed: seed)
  }

  /// As many reproducible tokens as a batch has.
  public static func ids(of graph: Graph, seed: UInt64, stream: UInt64) -> [Int32] {
    let key = CounterRandom.key(seed: seed, stream: stream)
    return (0..<UInt32(graph.batch.size * graph.context.size)).map {
      Int32(CounterRandom.bits(key, $0) % UInt32(graph.vocabulary.size))
    }
  }

  /// A step without any target changes nothing.
  var hasNoTarget: Bool { targets.allSatisfy { $0 == Input.ignoredTarget } }

  /// The names of the parameters, without states.
  public var learned: [String] {
    library.manifest.parameters.filter { !$0.isState }.map(\.name).sorted()
  }

  /// A model of the library that holds the parameters, all of which it has where it learns, and takes the documents in
  /// the first and third of several batches; rows of the second are one each.
  public func model(
    exchange: UnsafePointer<moec_exchange>? = nil, batches: Int = 1
  ) throws -> Model {
    let model = try Model(library, exchange: exchange, batches: batches)
    model.initialize(seed: 0)
    let needed = Set(library.manifest.parameters.map(\.name))
    for (name, values) in parameters where !library.manifest.infers || needed.contains(name) {
      try model.write(values, named: name)
    }
    if !beginnings.isEmpty {
      let whole = beginnings.map { _ in Int32(0) }
      try model.setDocuments(beginnings + whole + beginnings, batches: 3)
    }
    return model
  }

  public func interpreter(_ mode: Interpreter.Mode) -> Interpreter {
    var interpreter = Interpreter(
      reference, mode: mode, seed: seed, tokens: tokens, targets: targets,
      parameters: parameters.mapValues { $0.map(Double.init) })
    interpreter.beginnings = beginnings
    return interpreter
  }

  /// The oracle for one text by itself, in evaluation.
  func oracle(of text: [Int32]) -> Interpreter {
    Interpreter(
      reference, mode: .evaluation, seed: seed, tokens: text,
      parameters: parameters.mapValues { $0.map(Double.init) }, sequences: 1, length: text.count)
  }

  /// Where library and oracle differ by more than `tolerance`: losses in both modes, all gradients.
  public func disagreements(tolerance: Double) throws -> [Disagreement] {
    let model = try model()
    let run = try interpreter(.training).run()
    let evaluation = try interpreter(.evaluation).run([.loss])
    let losses = [
      ("training loss", try model.gradients(tokens: tokens, targets: targets, seed: seed), run),
      ("evaluation loss", try model.loss(tokens: tokens, targets: targets, seed: seed), evaluation),
    ]
    var found = losses.map { name, loss, run in
      Disagreement(name, [loss], [run.loss ?? 0], scale: 1)
    }
    _ = try model.gradients(tokens: tokens, targets: targets, seed: seed)
    let gradients = learned.map { ($0, run.gradient(of: $0)) }
    let largest = gradients.compactMap { $0.1?.largest }.max() ?? 0
    for (name, expected) in gradients {
      let actual = try model.read(.gradient, named: name)
      let expected = expected ?? actual.map { _ in 0 }
      found.append(Disagreement("gradient of \(name)", actual, expected, scale: 1e-2 * largest))
    }
    return found.filter { $0.error > tolerance }
  }
}

/// A parameter that the library does not have.
public struct NoSuchParameter: Error {
  let name: String
}

extension Model {
  public func index(of name: String) throws -> Int {
    guard let index = manifest.parameters.firstIndex(where: { $0.name == name }) else {
      throw NoSuchParameter(name: name)
    }
    return index
  }

  public func read(_ kind: Kind = .value, named name: String) throws -> [Float] {
    try read(kind, try index(of: name))
  }

  public func write(_ numbers: [Float], _ kind: Kind = .value, named name: String) throws {
    try write(numbers, kind, try index(of: name))
  }

  /// The bits of every parameter, gradient, moment and step count.
  public func allBits() throws -> [[UInt32]] {
    var bits: [[UInt32]] = []
    for index in manifest.parameters.indices {
      for kind in Kind.allCases where keeps(kind, of: index) {
        bits.append(try read(kind, index).map(\.bitPattern))
      }
    }
    return bits
  }
}
