extension Session {
  /// What a training run is made of, by name, for trackers.
  public func parameters(_ settings: TrainingSettings) -> [String: String] {
    let manifest = model.manifest
    let defaults = record?.defaults ?? manifest.defaults
    let rate = settings.learningRate ?? learningRate ?? defaults.learningRate
    var parameters = [
      "model": manifest.name, "parameters": "\(manifest.parameterCount)",
      "vocabulary": "\(manifest.vocabulary)", "context": "\(manifest.context)",
      "batch": "\(manifest.batch)", "steps": "\(settings.steps)", "seed": "\(seed)",
      "learning_rate": "\(rate)", "schedule": settings.schedule.form.rawValue,
      "warmup": "\(settings.schedule.warmup)", "beta1": "\(defaults.beta1)",
      "beta2": "\(defaults.beta2)", "epsilon": "\(defaults.epsilon)",
      "weight_decay": "\(settings.weightDecay ?? defaults.weightDecay)",
      "accumulate": "\(settings.accumulation)",
    ]
    parameters["clip"] = settings.clip.map { "\($0)" }
    parameters["ema"] = settings.ema.map { "\($0)" }
    parameters["patience"] = settings.patience.map { "\($0)" }
    parameters["final_learning_rate"] = settings.schedule.final.map { "\($0)" }
    parameters["decay_steps"] = settings.schedule.decaySteps.map { "\($0)" }
    parameters["decay_form"] = settings.schedule.decayForm?.rawValue
    if !settings.noDecay.isEmpty {
      parameters["no_decay"] = settings.noDecay.joined(separator: ",")
    }
    if let data { parameters.merge(data.parameters) { own, _ in own } }
    if let active = manifest.activeParameters { parameters["active_parameters"] = "\(active)" }
    for setting in manifest.settings { parameters["setting/\(setting.name)"] = setting.value }
    for (axis, size) in manifest.axes { parameters["axis/\(axis)"] = "\(size)" }
    return parameters
  }
}
