import GraphIR

/// Evaluation that takes more arithmetic than the training between two evaluations.
struct EvaluationCost: RuleDefinition {
  let sentence = "With the usual settings of a run, evaluation costs more than training."
  let reason =
    "Most of a run's time then goes into measuring losses; fewer batches measure them "
    + "almost as well."
  let wayOut = "train with a smaller --eval-batches or a larger --eval-interval"

  func findings(in subject: Subject) -> [Finding] {
    let work = subject.work
    let training = Double(work.evaluationInterval) * Double(work.step)
    let evaluation = 2 * Double(work.evaluationBatches) * Double(work.forward)
    guard training > 0, evaluation > training,
      let model = subject.graph.nodes.firstIndex(where: { $0.inputs.isEmpty })
    else { return [] }
    let ratio = (evaluation / training * 10).rounded() / 10
    let enough = Int(training / (2 * Double(work.forward)))
    return [
      Finding(
        model,
        "evaluating 2 × \(work.evaluationBatches) batches every \(work.evaluationInterval) steps "
          + "takes \(ratio) times the arithmetic of these steps",
        hint: enough < 1
          ? nil : "train with --eval-batches \(rounded(enough)) or a larger --eval-interval")
    ]
  }

  /// At most two digits that are not 0: people type it.
  private func rounded(_ count: Int) -> Int { count < 100 ? count : count / 10 * 10 }
}
