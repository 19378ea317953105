import Exchange

extension Session {
  /// What is about to run, in a few lines.
  public var summary: String {
    let manifest = model.manifest
    let memory = manifest.memory
    let active = manifest.activeParameters.map { ", \(grouped($0)) of them for a token" } ?? ""
    var lines = [
      "model   \(manifest.name): \(grouped(manifest.parameterCount)) parameters\(active)",
      "batch   \(manifest.batch) sequences of \(manifest.context) \(coding.unit)",
      "memory  \(megabytes(memory.total))\n        \(megabytes(memory.parameters)) parameters, "
        + "\(megabytes(memory.optimizer)) optimizer, \(megabytes(memory.saved)) saved, "
        + "\(megabytes(memory.scratch)) scratch",
      "threads \(threads), seed \(seed)",
    ]
    if manifest.work.step > 0 {
      lines.insert(
        "work    \(magnitude(manifest.work.step))FLOP per step, "
          + "\(magnitude(manifest.work.forward))FLOP forward", at: 2)
    }
    if let corpus {
      lines.append(
        "data    \(corpus.path)\n        \(grouped(corpus.count)) \(coding.unit), "
          + "\(grouped(corpus.training.count)) to train on, "
          + "\(grouped(corpus.validation.count)) to validate")
      if corpus.carriageReturns > 0 {
        lines.append(
          "        \(grouped(corpus.carriageReturns)) lines end in CR LF, and the CRs are text too; tr "
            + "-d '\\r' takes them out")
      }
    }
    lines.append("vocabulary \(coding.count) of \(manifest.vocabulary) \(coding.unit)")
    if !missing.isEmpty {
      lines.append("not in the weights, and as in a new model: \(NameList(missing))")
    }
    if step > 0 { lines.append("weights have seen \(grouped(step)) steps") }
    return lines.joined(separator: "\n")
  }
}
