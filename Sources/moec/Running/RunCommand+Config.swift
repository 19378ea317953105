import ArgumentParser
import Driver
import Foundation
import JSON
import Runner
import SystemFiles

extension RunCommand {
  /// This command with what `--config` says where no option does.
  func configured() throws -> RunCommand {
    guard let config else { return self }
    var command = self
    let options = RunOption.all
    var names: Set<String> = []
    var useless: [String] = []
    for (name, json) in try Self.members(of: config) {
      guard names.insert(name).inserted else {
        throw CompilationError(
          message: "\(config): \"\(name)\" is there twice", hint: "leave one of the two")
      }
      guard let option = options.first(where: { $0.name == name }) else {
        if RunSettings.facts.contains(name) { continue }
        throw unknown(name, in: config, options.map(\.name))
      }
      var taken = command
      guard var value = ConfigValue(json), option.take(&taken, value) else {
        throw CompilationError(
          message: "\(config): \"\(name)\" must be \(option.expected)",
          hint: "moec run --help says what each option takes")
      }
      if Self.namesOfFiles.contains(name), case .text(let path) = value,
        let found = EarlierFile.find(path, near: config)
      {
        value = .text(found)
        _ = option.take(&taken, value)
      }
      // What is for another mode, as in a run's whole settings, is passed over.
      if !isOfUse(name) { useless.append(name) }
      if option.given(self) == nil, isOfUse(name), !isOverruled(name) { command = taken }
    }
    if !names.contains("library"), let task, !useless.isEmpty {
      tell(
        "note: \(config): \(useless.map { "\"\($0)\"" }.joined(separator: ", ")) "
          + "\(useless.count == 1 ? "has" : "have") no meaning with --\(task.rawValue)")
    }
    do {
      try command.validate()
    } catch let error as ValidationError {
      // The options alone were right.
      throw CompilationError(
        message: "\(config): \(error.message)", hint: "mend the file, or give the option itself")
    }
    return command
  }

  /// Names and values of a file. Errors: it cannot be read, or is no JSON object.
  private static func members(of config: String) throws -> [(name: String, value: JSON)] {
    let bytes = try WholeFile.bytes(ofFileOrPipe: config == "-" ? "/dev/stdin" : config)
    do throws(JSON.Failure) {
      guard case .object(let members) = try JSON.parse(bytes) else {
        throw JSON.Failure(offset: bytes.count, reason: "it is no JSON object")
      }
      return members.map { (String(decoding: $0.key, as: UTF8.self), $0.value) }
    } catch {
      let line = bytes.prefix(error.offset).count { $0 == UInt8(ascii: "\n") } + 1
      let place = error.offset == bytes.count ? config : "\(config):\(line)"
      throw CompilationError(
        message: "\(place) holds no settings: \(error.reason)",
        hint: "write {\"steps\": 1000, \"learning-rate\": 0.001}, or copy the settings of a run")
    }
  }

  private func unknown(_ name: String, in config: String, _ known: [String]) -> CompilationError {
    if Self.modes["--\(name)"] != nil || Self.namesForTheCommandAlone.contains(name) {
      return CompilationError(
        message: "\(config): \"\(name)\" is not for a file of settings",
        hint: "type --\(name) where moec run is typed")
    }
    let near = Spelling.nearest(to: name, among: known)
    return CompilationError(
      message: "\(config): there is no option \"\(onOneLine(name))\"",
      hint: near.map { "did you mean \"\($0)\"?" }
        ?? "names are those of the options of moec run, without --")
  }

  /// Besides those of a mode, all of which a file may name or not.
  private static let namesForTheCommandAlone: Set = [
    "config", "train", "evaluate", "generate", "route", "choices", "output", "allow-other-data",
    "result-line",
    "mlflow-parent",
  ]

  /// Files that are read: a relative path means one that is seen from here, or from above the settings.
  private static let namesOfFiles: Set = [
    "data", "tokenizer", "weights", "replay", "validation", "template",
  ]

  private func isOfUse(_ name: String) -> Bool {
    guard let task, let mode = Self.modes["--\(name)"] else { return true }
    return mode.contains(task)
  }

  /// Whether an option that was given leaves one of the file no meaning.
  private func isOverruled(_ name: String) -> Bool {
    switch name {
    case "weights", "allow-missing": training.resume != nil
    case "steps": training.epochs != nil
    case "epochs": training.steps != nil
    case "final-learning-rate": training.schedule == .constant
    case "decay-steps", "decay-form": training.schedule.map { $0 != .wsd } ?? false
    case "repeat": generation.interactive
    default: false
    }
  }
}

/// The whole of a run's settings, as a file beside its log that `--config` takes.
struct RunSettings {
  /// What such a file tells besides options.
  static let facts: Set<String> = ["library", "moec", "model"]

  private var values: [String: ConfigValue]

  /// What a run was given and what it took by itself.
  init(_ command: RunCommand, _ session: Session, _ settings: TrainingSettings) {
    let told = session.parameters(settings)
    values = [
      "library": .text(command.library), "moec": .text(Moec.version),
      "steps": .integer(settings.steps), "eval-interval": .integer(settings.evaluationInterval),
      "eval-batches": .integer(settings.evaluationBatches),
      "seed": Int(exactly: session.seed).map(ConfigValue.integer) ?? .text("\(session.seed)"),
      "schedule": .text(settings.schedule.form.rawValue),
      "warmup": .integer(settings.schedule.warmup), "accumulate": .integer(settings.accumulation),
    ]
    values["learning-rate"] = told["learning_rate"].flatMap { Double($0) }.map(ConfigValue.number)
    values["final-learning-rate"] = settings.schedule.final.map { .number($0) }
    values["decay-steps"] = settings.schedule.decaySteps.map(ConfigValue.integer)
    values["decay-form"] = (settings.schedule.decayForm?.rawValue).map(ConfigValue.text)
    values["weight-decay"] = settings.weightDecay.map { .number($0) }
    values["clip"] = settings.clip.map { .number($0) }
    values["ema"] = settings.ema.map { .number($0) }
    values["patience"] = settings.patience.map(ConfigValue.integer)
    if !settings.noDecay.isEmpty {
      values["no-decay"] = .text(settings.noDecay.joined(separator: ","))
    }
    values["data"] = told["data"].map(ConfigValue.text)
    // Epochs are in the steps.
    for option in RunOption.all where values[option.name] == nil && option.name != "epochs" {
      values[option.name] = option.given(command)
    }
    if let uri = command.tracking.mlflow {
      values["mlflow"] = .text(RunCommand.withoutPassword(uri))
    }
    values["model"] = .object(
      told.filter { !$0.key.contains("learning") }.mapValues(ConfigValue.text))
  }

  /// As JSON, with sorted keys.
  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let data = (try? encoder.encode(values)) ?? Data()
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  /// Where the settings of a run with this log go; nil for a log that is no ordinary file.
  static func path(ofLog log: String) -> String? {
    var status = stat()
    if stat(log, &status) == 0, status.st_mode & S_IFMT != S_IFREG { return nil }
    return (log.hasSuffix(".jsonl") ? String(log.dropLast(6)) : log) + ".settings.json"
  }
}

extension FileKind {
  /// The settings of a run.
  static let runSettings = FileKind("the settings of a run") { start, _ in
    let text = String(decoding: start, as: UTF8.self)
    return text.hasPrefix("{") && text.contains("\"eval-interval\" :")
  }
}
