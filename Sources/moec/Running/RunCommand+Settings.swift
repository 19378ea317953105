import Driver
import Runner

extension RunCommand {
  /// The options that were given, over what the run has anyway.
  func settings(of session: Session) throws -> TrainingSettings {
    var settings = session.usualSettings
    settings.accumulation = training.accumulate ?? settings.accumulation
    settings.steps = training.steps ?? settings.steps
    if let epochs = training.epochs {
      settings.steps = session.steps(ofEpochs: epochs, accumulation: settings.accumulation)
    }
    settings.evaluationInterval = training.evalInterval ?? settings.evaluationInterval
    settings.evaluationBatches = evalBatches ?? settings.evaluationBatches
    settings.learningRate = training.learningRate ?? settings.learningRate
    settings.schedule = try schedule(from: settings.schedule, steps: settings.steps)
    settings.weightDecay = training.weightDecay ?? settings.weightDecay
    settings.clip = Self.unlessOff(training.clip ?? settings.clip)
    settings.ema = Self.unlessOff(training.ema ?? settings.ema)
    settings.patience = training.patience ?? settings.patience
    if let groups = training.noDecay {
      settings.noDecay = groups.split(separator: ",").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
    }
    return settings
  }

  /// 0 leaves out what a run that goes on had.
  private static func unlessOff(_ number: Float?) -> Float? { number == 0 ? nil : number }

  /// Errors: options that this form of schedule has no use for, or more steps than there are.
  private func schedule(
    from usual: LearningRateSchedule, steps: Int
  ) throws -> LearningRateSchedule {
    var schedule = usual
    if let form = training.schedule, form != .wsd {
      (schedule.decaySteps, schedule.decayForm) = (nil, nil)
    }
    schedule.form = training.schedule ?? schedule.form
    schedule.warmup = training.warmup ?? schedule.warmup
    schedule.final = training.finalLearningRate ?? schedule.final
    schedule.decaySteps = training.decaySteps ?? schedule.decaySteps
    schedule.decayForm = training.decayForm ?? schedule.decayForm
    try Self.checkUse(of: schedule)
    if let decay = schedule.decaySteps, schedule.warmup + decay > steps {
      throw CompilationError(
        message: "--warmup \(schedule.warmup) and --decay-steps \(decay) are more than "
          + "--steps \(steps)",
        hint: "--steps counts all steps, those that warm up and those that decay too")
    }
    return schedule
  }

  private static func checkUse(of schedule: LearningRateSchedule) throws {
    let form = schedule.form.rawValue
    if schedule.final != nil, schedule.form == .constant {
      throw CompilationError(
        message: "--final-learning-rate is of no use with a constant schedule",
        hint: "add --schedule cosine, linear or wsd")
    }
    let named = schedule.decaySteps != nil ? "--decay-steps" : "--decay-form"
    if schedule.decaySteps != nil || schedule.decayForm != nil, schedule.form != .wsd {
      throw CompilationError(
        message: "\(named) is of no use with a \(form) schedule", hint: "add --schedule wsd")
    }
  }
}
