import GraphIR
import Words

/// AdamW's numbers: `.adamW(learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
/// weightDecay: 0.01)`.
public typealias Optimizer = GraphIR.Optimizer

/// What a model reads: characters by number.
public struct Text: Sendable {
  /// The characters, i32[B, T], each in 0 ..< V.
  public let tokens: Tensor

  /// Their places in the sequence, i32[T]: 0 ..< T.
  public let positions: Tensor
}

/// All errors of a model, in the order in which they were met.
public struct ModelErrors: Error, Sendable, CustomStringConvertible {
  /// Each with its place, what is wrong, and a way out.
  public var diagnostics: [Diagnostic]

  /// As printed: one line each, some with a hint below.
  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

/// Which parameters weight decay is for, where a parameter does not say so itself.
public enum Decaying: Sendable {
  /// All that are learned, as PyTorch's AdamW does it if it is told nothing.
  case all

  /// Those with two axes or more, for each expert: matrices and tables, but no biases and no weights of norms.
  case matrices
}

/// A language model: declaring one traces it and hands its graph to moec.
///
///     LanguageModel("small", vocabulary: V, context: T, batch: B) { text in
///         text.tokens.embedding("token", C).linear("head", V)
///     }
///
/// The closure turns text into logits f32[B, T, V]; the loss is the mean cross-entropy of the next
/// characters. `linearWeights` draws the weights of every linear layer that does not choose for
/// itself, by default uniform in ±√(6 / in); `decaying` says which parameters the optimizer's weight decay
/// is for; `frozen` names those that keep their values, `*` standing for anything and a scope for all in it:
/// `["token", "block.*.attention"]`. The name is a letter followed by letters, digits, `-`
/// and `_`. Errors are printed at the model's own lines, all of them, and end the process with 1.
public struct LanguageModel {
  /// Traces the model and writes its graph to where moec listens; errors end the process.
  ///
  ///     text i32[B, T] -> logits f32[B, T, V]
  ///
  /// V is how many characters there are, T how many the model sees at once, B how many sequences
  /// make a step. A run may override the optimizer's numbers.
  @discardableResult
  public init(
    _ name: String, vocabulary: Axis, context: Axis, batch: Axis,
    linearWeights: WeightInitializer = .kaimingUniform, optimizer: Optimizer = .adamW(),
    decaying: Decaying = .all, frozen: [String] = [],
    file: String = #filePath, line: Int = #line, column: Int = #column,
    _ body: (Text) -> Tensor
  ) {
    do {
      let model = Declaration(
        name: name, axes: (vocabulary, context, batch), linearWeights: linearWeights,
        optimizer: optimizer, decaying: decaying, frozen: frozen,
        site: Site(file, line, column, name: "LanguageModel"))
      if let first = Declarations.noteModel(model.site) { Self.refuse(model.site, first) }
      let places = OperatorPlaces(model: file)
      Self.deliver(
        try model.trace(
          declared: Declarations.all, settings: Settings.ofProcess, places: places, body))
    } catch {
      Terminal.fail(error.diagnostics)
    }
  }

  /// The graph of a model, or everything that is wrong with it.
  ///
  ///     text i32[B, T] -> logits f32[B, T, V]
  ///
  public static func trace(
    _ name: String, vocabulary: Axis, context: Axis, batch: Axis,
    linearWeights: WeightInitializer = .kaimingUniform, optimizer: Optimizer = .adamW(),
    decaying: Decaying = .all, frozen: [String] = [],
    file: String = #filePath, line: Int = #line, column: Int = #column,
    _ body: (Text) -> Tensor
  ) throws(ModelErrors) -> Graph {
    let model = Declaration(
      name: name, axes: (vocabulary, context, batch), linearWeights: linearWeights,
      optimizer: optimizer, decaying: decaying, frozen: frozen,
      site: Site(file, line, column, name: "LanguageModel"))
    return try model.trace(body)
  }

  private static func refuse(_ second: Site, _ first: Site) -> Never {
    Terminal.fail([
      Diagnostic(
        at: second.location, "LanguageModel: a file declares one model",
        hint: "the first one is at \(first.location)")
    ])
  }

  /// Writes the graph to where moec listens.
  private static func deliver(_ graph: Graph) {
    guard let descriptor = Terminal.graphDescriptor() else {
      Terminal.fail([Diagnostic(at: nil, "--graph-descriptor: expected a number")])
    }
    guard Terminal.write(graph.text, to: descriptor) else {
      Terminal.fail([
        Diagnostic(at: nil, "the graph could not be written to descriptor \(descriptor)")
      ])
    }
  }
}

/// What a model declares of itself before its closure runs.
struct Declaration {
  var name: String
  var axes: (vocabulary: Axis, context: Axis, batch: Axis)
  var linearWeights: WeightInitializer
  var optimizer: Optimizer
  var decaying: Decaying = .all
  var frozen: [String] = []
  var site: Site

  /// Runs the closure; axis names made by functions keep clear of those `declared`, and operators
  /// stand where `places` finds them.
  func trace(
    declared: [String: Set<Int>] = [:], settings: Settings = Settings(),
    places: OperatorPlaces? = nil, _ body: (Text) -> Tensor
  ) throws(ModelErrors) -> Graph {
    var graph = Graph(
      name: name, vocabulary: axes.vocabulary.core, context: axes.context.core,
      batch: axes.batch.core, optimizer: optimizer)
    graph.vocabularyLocation = axes.vocabulary.origins.first?.node
    let tracer = Tracer(graph, linearWeights: linearWeights, decaying: decaying)
    tracer.declared = declared
    tracer.places = places
    tracer.settings = settings
    tracer.frozen = frozen.map(ParameterPattern.init)
    let call = Call(name: "LanguageModel", site: site, scope: "")
    tracer.checkModel([axes.vocabulary, axes.context, axes.batch], call)
    Tracer.$current.withValue(tracer) { tracer.finish(body(tracer.text(call)), call) }
    let diagnostics =
      tracer.settings.diagnostics + tracer.settings.unknown(Settings.given) + tracer.diagnostics
    guard diagnostics.isEmpty else { throw ModelErrors(diagnostics: diagnostics) }
    graph = tracer.builder.graph
    graph.settings = tracer.settings.all
    return graph
  }
}
