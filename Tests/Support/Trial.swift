import GraphIR
import Interpreter
import ModelRuntime

/// A compiled model and the oracle with the same parameters, tokens, targets and seed.
public struct Trial {
  public let compiled: CompiledModel
  public var parameters: [String: [Float]]
  public var tokens: [Int32]
  public var targets: [Int32]
  public var seed: UInt64

  /// Draws parameters by their initializers, and tokens and targets from the vocabulary.
  public init(_ compiled: CompiledModel, seed: UInt64 = 1) {
    self.compiled = compiled
    self.seed = seed
    let graph = compiled.reference
    parameters = Interpreter.initialParameters(of: graph, seed: seed)
      .mapValues { $0.map(Float.init) }
    tokens = Self.ids(of: graph, seed: seed, stream: 1 << 40)
    targets = Self.ids(of: graph, seed: seed, stream: 1 << 41)
  }

  /// As many reproducible tokens as a batch has.
  public static func ids(of graph: Graph, seed: UInt64, stream: UInt64) -> [Int32] {
    let key = CounterRandom.key(seed: seed, stream: stream)
    return (0..<UInt32(graph.batch.size * graph.context.size)).map {
      Int32(CounterRandom.bits(key, $0) % UInt32(graph.vocabulary.size))
    }
  }

  /// A model of the library that holds the parameters.
  public func model() throws -> Model {
    let model = try Model(compiled.library)
    model.initialize(seed: 0)
    for (name, values) in parameters { try model.write(values, named: name) }
    return model
  }

  public func interpreter(_ mode: Interpreter.Mode) -> Interpreter {
    Interpreter(
      compiled.reference, mode: mode, seed: seed, tokens: tokens, targets: targets,
      parameters: parameters.mapValues { $0.map(Double.init) })
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
    let gradients = parameters.keys.sorted().map { ($0, run.gradient(of: $0)) }
    let largest = gradients.compactMap { $0.1?.largest }.max() ?? 0
    for (name, expected) in gradients {
      let actual = try model.read(.gradient, named: name)
      let expected = expected ?? actual.map { _ in 0 }
      found.append(Disagreement("gradient of \(name)", actual, expected, scale: 1e-2 * largest))
    }
    return found.filter { $0.error > tolerance }
  }
}

/// How far a tensor is from what it should be.
public struct Disagreement: Equatable, CustomStringConvertible {
  public var name: String

  /// The largest difference of two elements, relative to the largest element.
  public var error: Double
  private var place: String

  /// - Parameter scale: elements are small only if they are smaller than this.
  public init(_ name: String, _ actual: [Float], _ expected: [Double], scale: Double = 0) {
    self.name = name
    (error, place) = (0, "")
    guard actual.count == expected.count else {
      (error, place) = (.infinity, "\(actual.count) elements for \(expected.count)")
      return
    }
    let size = max(scale, expected.largest, 1e-30)
    for index in actual.indices {
      let difference = Self.difference(Double(actual[index]), expected[index]) / size
      guard difference > error else { continue }
      error = difference
      place = "element \(index): \(actual[index]) for \(expected[index])"
    }
  }

  private static func difference(_ a: Double, _ b: Double) -> Double {
    if a == b || (a.isNaN && b.isNaN) { return 0 }
    return a.isFinite && b.isFinite ? abs(a - b) : .infinity
  }

  public var description: String { "\(name): \(error), \(place)" }
}

extension [Double] {
  /// The largest magnitude of a finite element; 0 if there is none.
  public var largest: Double { lazy.map(abs).filter(\.isFinite).max() ?? 0 }
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
      for kind in Kind.allCases { bits.append(try read(kind, index).map(\.bitPattern)) }
    }
    return bits
  }
}
