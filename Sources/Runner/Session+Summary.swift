import ModelRuntime

extension Session {
  /// What is about to run, in a few lines.
  public var summary: String {
    let manifest = model.manifest
    let memory = manifest.memory
    var lines = [
      "model   \(manifest.name): \(grouped(manifest.parameterCount)) parameters, "
        + "batch \(manifest.batch), context \(manifest.context)",
      "memory  \(megabytes(memory.total)): parameters \(megabytes(memory.parameters)), optimizer "
        + "\(megabytes(memory.optimizer)), saved \(megabytes(memory.saved)), scratch "
        + megabytes(memory.scratch),
      "threads \(threads), seed \(seed)",
    ]
    if let corpus {
      lines.append(
        "data    \(corpus.path): \(grouped(corpus.count)) \(coding.unit), "
          + "\(grouped(corpus.training.count)) to train on, "
          + "\(grouped(corpus.validation.count)) to validate")
    }
    lines.append("vocabulary \(coding.count) of \(manifest.vocabulary) \(coding.unit)")
    if step > 0 { lines.append("weights have seen \(grouped(step)) steps") }
    return lines.joined(separator: "\n")
  }
}
