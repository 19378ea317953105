extension MLflowSender {
  /// Batches that follow each other as one, within a server's limits; with each the number of
  /// entries that it stands for.
  static func merged(
    _ entries: [MLflowJournal.Entry]
  ) -> [(entry: MLflowJournal.Entry, count: Int)] {
    var merged: [(entry: MLflowJournal.Entry, count: Int)] = []
    for entry in entries {
      if case .batch(let new) = entry, let last = merged.last, case .batch(let old) = last.entry,
        let both = joined(old, new)
      {
        merged[merged.count - 1] = (.batch(both), last.count + 1)
      } else {
        merged.append((entry, 1))
      }
    }
    return merged
  }

  private static func joined(_ old: MLflowBatch, _ new: MLflowBatch) -> MLflowBatch? {
    let metrics = old.metrics.count + new.metrics.count
    let parameters = old.parameters.count + new.parameters.count
    guard metrics <= most.metrics, parameters <= most.parameters,
      metrics + parameters <= most.entities
    else { return nil }
    return MLflowBatch(
      metrics: old.metrics + new.metrics,
      parameters: old.parameters.merging(new.parameters) { _, new in new })
  }
}
