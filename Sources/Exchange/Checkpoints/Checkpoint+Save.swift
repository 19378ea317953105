import ModelRuntime

extension Checkpoint {
  /// Saves a model so that training can go on from it, with the averages of its parameters if there are
  /// any; the file appears whole or not at all.
  public static func save(
    _ model: Model, average: Model? = nil, _ notes: CheckpointNotes, to path: String
  ) throws {
    var outputs: [Safetensors.Output] = []
    for (kind, prefix) in prefixes { outputs += tensors(kind, of: model, prefix: prefix) }
    if let average { outputs += tensors(.value, of: average, prefix: averagePrefix) }
    try write(outputs, of: model, notes, to: path)
  }

  /// Takes a part in `save` of another rank, which asks all for their shares of moments and experts, tensor by tensor.
  public static func join(_ model: Model, average: Model? = nil) throws {
    var outputs: [Safetensors.Output] = []
    for (kind, prefix) in prefixes {
      outputs += tensors(kind, of: model, prefix: prefix) { model.isReadByAll(kind, $0) }
    }
    if let average {
      outputs += tensors(.value, of: average, prefix: averagePrefix) {
        average.isReadByAll(.value, $0)
      }
    }
    for output in Safetensors.inOrder(outputs) { _ = try output.numbers() }
  }

  /// The same for `saveWeights`.
  public static func joinWeights(of model: Model) throws {
    let outputs = tensors(.value, of: model, prefix: "") { model.isReadByAll(.value, $0) }
    for output in Safetensors.inOrder(outputs) { _ = try output.numbers() }
  }

  /// Saves the parameters alone.
  public static func saveWeights(
    of model: Model, _ notes: CheckpointNotes, to path: String
  ) throws {
    try write(tensors(.value, of: model, prefix: ""), of: model, notes, to: path)
  }

  private static func tensors(
    _ kind: Model.Kind, of model: Model, prefix: String,
    where isWanted: (Int) -> Bool = { _ in true }
  ) -> [Safetensors.Output] {
    model.manifest.parameters.enumerated().compactMap { index, parameter in
      guard model.keeps(kind, of: index), isWanted(index) else { return nil }
      let shape = kind == .stepCounts ? [parameter.steps] : parameter.shape
      let parts = model.parts(kind, of: index).map { range in
        { try model.read(kind, index, range) }
      }
      return .init(name: prefix + parameter.name, shape: shape, parts: parts)
    }
  }

  private static func write(
    _ outputs: [Safetensors.Output], of model: Model, _ notes: CheckpointNotes, to path: String
  ) throws {
    var notes = notes
    notes.axes = model.manifest.axes
    notes.settings = model.manifest.settings
    notes.adapterScale = model.manifest.adapterScale
    try Safetensors.write(outputs, metadata: notes.metadata, to: path)
  }
}
