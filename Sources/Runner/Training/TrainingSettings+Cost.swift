import ModelRuntime

extension TrainingSettings {
  /// How many times the arithmetic of the steps between two evaluations an evaluation takes; nil
  /// where the library does not say what a pass costs.
  public func evaluationCost(of work: Manifest.Work) -> Double? {
    guard work.step > 0, work.forward > 0 else { return nil }
    let training = work.step * Double(accumulation) * Double(evaluationInterval)
    return Double(evaluatedParts) * work.forward * Double(evaluationBatches) / training
  }

  /// What a person should know if evaluation costs more than training.
  public func evaluationNote(of work: Manifest.Work) -> String? {
    guard let cost = evaluationCost(of: work), cost > 1 else { return nil }
    let ratio = (cost * 10).rounded() / 10
    return
      "note: evaluating \(evaluatedParts) × \(evaluationBatches) batches every \(evaluationInterval) steps takes "
      + "\(ratio) times the arithmetic of these steps; --eval-batches and --eval-interval change that"
  }
}
