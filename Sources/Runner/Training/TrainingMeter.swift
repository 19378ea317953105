import Foundation
import Words

/// How far a training run is and how fast: tokens per second, the share of time that evaluation
/// takes, time left.
final class TrainingMeter {
  private let line: ProgressLine
  private let steps: Int
  private let count: (Int) -> TokenCount
  private let evaluationWork: Double
  private var lastTime = 0.0
  private var trainingSeconds = 0.0
  private var evaluationSeconds = 0.0
  private var done = TokenCount(all: 0, learned: 0)
  private var loss = ""

  init(_ loop: TrainingLoop, from start: Int, isShown: Bool) {
    steps = loop.settings.steps
    count = loop.count
    evaluationWork = TrainingMeter.evaluationWork(loop)
    let evaluations = (start..<steps).lazy.filter(loop.isEvaluated).count
    let batches = Double(evaluations * loop.evaluationBatches)
    line = ProgressLine(
      total: Double(steps - start) + batches * evaluationWork, isShown: isShown)
  }

  /// One evaluation batch in units of a training step, by the library's own count.
  private static func evaluationWork(_ loop: TrainingLoop) -> Double {
    let work = loop.model.manifest.work
    let share = work.forward > 0 && work.step > 0 ? work.forward / work.step : 1.0 / 3
    return share / Double(loop.settings.accumulation)
  }

  /// Seconds since the run began.
  var elapsed: Double { line.elapsed }

  /// Tokens learnt from in a second of training, evaluations not counted; nil before the first.
  var tokensPerSecond: Double? {
    trainingSeconds > 0 ? Double(done.all) / trainingSeconds : nil
  }

  /// Of these the ones that are learned; nil before the first, and where that is all of them.
  var learnedPerSecond: Double? {
    trainingSeconds > 0 && done.learned < done.all ? Double(done.learned) / trainingSeconds : nil
  }

  /// The share of time that evaluations took so far, 0 to 1.
  var evaluationShare: Double {
    evaluationSeconds / max(1e-9, evaluationSeconds + trainingSeconds)
  }

  func take(_ event: TrainingEvent) {
    let now = line.elapsed
    defer { lastTime = now }
    switch event {
    case .evaluationBatch(let step):
      evaluationSeconds += now - lastTime
      line.advance(by: evaluationWork) { self.label([self.place(step), "evaluating"]) }
    case .stepped(let step, let result):
      trainingSeconds += now - lastTime
      done += count(step)
      line.advance(by: 1) {
        self.label([self.place(step + 1), "loss \(fourDecimals(Double(result.loss)))"])
      }
    case .evaluated:
      evaluationSeconds += now - lastTime
    }
  }

  private func place(_ step: Int) -> String { "step \(step.grouped) of \(steps.grouped)" }

  func clear() { line.clear() }

  /// `step 412 of 5,000`, `loss 2.3121`, `10,240 tokens/s`, `3,180 learned/s`, `18 % evaluating`.
  func label(_ start: [String]) -> [String] {
    var parts = start
    if let rate = tokensPerSecond { parts.append("\(Int(min(rate, 1e15)).grouped) tokens/s") }
    if let rate = learnedPerSecond { parts.append("\(Int(min(rate, 1e15)).grouped) learned/s") }
    if evaluationSeconds > 0, trainingSeconds > 0 {
      parts.append("\(Int((100 * evaluationShare).rounded())) % evaluating")
    }
    return parts
  }
}
