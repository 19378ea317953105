import ModelRuntime
import Words

/// Windows that begin anywhere in a text.
extension Corpus: LearningData {
  var summary: [String] {
    let lines = [
      "data    \(path)",
      "        \(count.grouped) \(coding.unit), \(training.count.grouped) to train on, "
        + "\(validation.count.grouped) to validate",
    ]
    if carriageReturns == 0 { return lines }
    return lines + [
      "        \(carriageReturns.grouped) lines end in CR LF, and the CRs are text too; tr "
        + "-d '\\r' takes them out"
    ]
  }

  var notes: [String] { [] }

  var parameters: [String: String] { ["data": path] }

  func batch(step: Int, part: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> Batch {
    var stream = RandomStream(seed: seed, .trainingBatch, index: step, part: part)
    return Batch(
      from: training, count: manifest.batch, context: manifest.context, using: &stream)
  }

  func count(step: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> TokenCount {
    let all = parts * manifest.batch * manifest.context
    return TokenCount(all: all, learned: all)
  }

  func tokens(before step: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> Int {
    step * parts * manifest.batch * manifest.context
  }

  func stepsOfEpoch(of parts: Int, _ manifest: Manifest) -> Int {
    let each = parts * manifest.batch * manifest.context
    return (training.count + each - 1) / each
  }

  var epoch: String { "as many \(coding.unit) as there are to train on" }

  func usualEvaluationBatches(_ manifest: Manifest) -> Int { TrainingSettings().evaluationBatches }

  func evaluationBatches(
    of split: Split, atMost most: Int, _ manifest: Manifest
  ) -> Int { most }

  func evaluation(
    of split: Split, step: Int, _ manifest: Manifest, seed: UInt64
  ) -> EvaluationBatches {
    var stream = RandomStream(seed: seed, split.purpose, index: step)
    return EvaluationBatches { _ in
      Batch(
        from: self[split], count: manifest.batch, context: manifest.context, using: &stream)
    }
  }
}

extension Corpus.Split {
  var purpose: RandomPurpose {
    switch self {
    case .training: return .evaluationOfTraining
    case .validation: return .evaluationOfValidation
    }
  }
}
