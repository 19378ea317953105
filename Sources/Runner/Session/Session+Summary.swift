import Exchange
import Words

extension Session {
  /// What is about to run, in a few lines.
  public var summary: String {
    let manifest = model.manifest
    let memory = manifest.memory
    let lasting = manifest.states.isEmpty ? "parameters" : "parameters and states"
    let active = manifest.activeParameters.map { ", \($0.grouped) of them for a token" } ?? ""
    var lines = [
      "model   \(manifest.name): \(manifest.parameterCount.of("parameter"))\(active)",
      "batch   \(manifest.batch) sequences of \(manifest.context) \(coding.unit)",
      "memory  \(megabytes(memory.total))\n        \(megabytes(memory.parameters)) \(lasting), "
        + "\(megabytes(memory.optimizer)) optimizer, \(megabytes(memory.saved)) saved, "
        + "\(megabytes(memory.scratch)) scratch",
      "threads \(threads), seed \(seed)",
    ]
    if manifest.work.step > 0 {
      lines.insert(
        "work    \(magnitude(manifest.work.step))FLOP per step, "
          + "\(magnitude(manifest.work.forward))FLOP forward", at: 2)
    }
    if manifest.frozenCount > 0 {
      let learned = manifest.parameters.filter(\.hasGradient).reduce(0) { $0 + $1.count }
      lines.insert(
        "learned \(learned.of("parameter")), \(manifest.frozenCount.grouped) are frozen", at: 1)
    }
    if !manifest.settings.isEmpty {
      lines.append(
        "set     " + manifest.settings.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
    }
    if !manifest.terms.isEmpty {
      lines.append(
        "terms   " + manifest.terms.map { "\($0.weight) \($0.name)" }.joined(separator: ", "))
    }
    if !manifest.states.isEmpty {
      let numbers = manifest.states.reduce(0) { $0 + $1.count }
      lines.append(
        "states  \(manifest.states.map(\.name).joined(separator: ", ")) (\(numbers.of("number")))")
    }
    if let data { lines += data.summary }
    lines.append("vocabulary \(coding.count) of \(manifest.vocabulary) \(coding.unit)")
    if !missing.isEmpty {
      lines.append("not in the weights, and as in a new model: \(NameList(missing))")
    }
    if startsAdapters { lines.append("adapters start anew, as the weights have none") }
    if step > 0 { lines.append("weights have seen \(step.grouped) steps") }
    return lines.joined(separator: "\n")
  }
}
