import Testing

@testable import ModelRuntime
@testable import Runner

/// What `moec run --train` says of evaluation that costs more than training.
@Suite struct EvaluationCostTests {
  private let work = Manifest.Work(forward: 2.78e9, step: 8.33e9)

  @Test func theUsualSettingsCostMoreThanTraining() throws {
    let note = try #require(TrainingSettings().evaluationNote(of: work))
    #expect(note.contains("2 × 400 batches every 100 steps takes 2.7 times"))
    #expect(note.contains("--eval-batches") && note.contains("--eval-interval"))
  }

  @Test func otherSettingsDoNot() {
    var settings = TrainingSettings()
    settings.evaluationBatches = 100
    #expect(settings.evaluationNote(of: work) == nil)
    settings.evaluationBatches = 400
    settings.evaluationInterval = 300
    #expect(settings.evaluationNote(of: work) == nil)
    settings.evaluationInterval = 100
    settings.accumulation = 4
    #expect(settings.evaluationNote(of: work) == nil)
    #expect(TrainingSettings().evaluationNote(of: Manifest.Work()) == nil)
  }
}
