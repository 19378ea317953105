import ArgumentParser
import Foundation
import Runner
import SystemFiles

extension RunCommand {
  /// This command with what `--config` says where no option does.
  func configured() throws -> RunCommand {
    guard let config else { return self }
    let bytes = try WholeFile.bytes(of: config)
    let values: [String: ConfigValue]
    do {
      values = try JSONDecoder().decode([String: ConfigValue].self, from: Data(bytes))
    } catch {
      throw CompilationError(
        message: "\(config) holds no settings: it is no JSON object of texts, numbers and flags",
        hint: "write {\"steps\": 1000, \"learning-rate\": 0.001}, or copy the settings of a run")
    }
    var command = self
    let options = RunOption.all
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let option = options.first(where: { $0.name == name }) else {
        if RunSettings.facts.contains(name) { continue }
        throw unknown(name, in: config, options.map(\.name))
      }
      // What is for another mode, as in a run's whole settings, is passed over.
      if option.given(self) != nil || !isOfUse(name) { continue }
      if !option.take(&command, value) {
        throw CompilationError(
          message: "\(config): \"\(name)\" must be \(option.expected)",
          hint: "moec run --help says what each option takes")
      }
    }
    try command.validate()
    return command
  }

  private func unknown(_ name: String, in config: String, _ known: [String]) -> CompilationError {
    let near = Spelling.nearest(to: name, among: known)
    return CompilationError(
      message: "\(config): there is no option \"\(name)\"",
      hint: near.map { "did you mean \"\($0)\"?" }
        ?? "names are those of the options of moec run, without --")
  }

  private func isOfUse(_ name: String) -> Bool {
    guard let task, let mode = Self.modes["--\(name)"] else { return true }
    return mode.contains(task)
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
    values["clip"] = settings.clip.map { .number($0) }
    values["patience"] = settings.patience.map(ConfigValue.integer)
    if !settings.noDecay.isEmpty {
      values["no-decay"] = .text(settings.noDecay.joined(separator: ","))
    }
    values["data"] = told["data"].map(ConfigValue.text)
    for option in RunOption.all where values[option.name] == nil {
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
