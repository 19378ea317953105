import JSON
import ModelRuntime
import SystemFiles
import Words

extension CheckpointNotes {
  static let formatVersion = 1

  /// The notes as pairs of strings for the header of a weights file.
  public var metadata: [String: String] {
    let characters: JSON = .array(vocabulary.map { .text(String($0)) })
    var pairs = [
      "format": "moec", "format_version": "\(Self.formatVersion)", "model": model,
      "step": "\(step)", "vocabulary": characters.line,
    ]
    if let tokenizer { pairs["tokenizer"] = tokenizer }
    if let seed { pairs["seed"] = "\(seed)" }
    if let learningRate { pairs["learning_rate"] = "\(learningRate)" }
    if let run { pairs["run"] = run }
    if !axes.isEmpty {
      pairs["axes"] = axes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        .joined(separator: " ")
    }
    if !settings.isEmpty {
      pairs["settings"] = settings.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }
    if let adapterScale { pairs["adapter_scale"] = "\(adapterScale)" }
    return pairs
  }

  /// Reads the notes of a file, adding what is wrong with them to `problems`. A file of another
  /// program has none; only training cannot go on without a step.
  init(
    _ metadata: [String: String], _ contents: Checkpoint.Contents, _ manifest: Manifest,
    _ problems: inout [SafetensorsProblem]
  ) {
    self.init(model: metadata["model"] ?? manifest.name, vocabulary: [], step: 0)
    if let version = metadata["format_version"], version != "\(Self.formatVersion)" {
      problems.append(.badNote(key: "format_version", reason: "is \(version), not 1"))
    }
    if let text = metadata["vocabulary"] {
      vocabulary = Self.vocabulary(text, limit: manifest.vocabulary, &problems)
    }
    if let text = metadata["step"], let number = Int(text), number >= 0 {
      step = number
    } else if metadata["step"] != nil || contents == .training {
      problems.append(.badNote(key: "step", reason: "is no count of steps"))
    }
    tokenizer = metadata["tokenizer"]
    seed = metadata["seed"].flatMap { UInt64($0) }
    learningRate = metadata["learning_rate"].flatMap { Float($0) }
    run = metadata["run"]
    axes = Self.axes(metadata["axes"] ?? "")
    settings = Self.settings(metadata["settings"] ?? "")
    adapterScale = metadata["adapter_scale"].flatMap { Double($0) }
  }

  /// What was chosen otherwise than in a library, which may be why a file does not fit.
  func otherSettings(than manifest: Manifest) -> SafetensorsProblem? {
    let different = settings.filter { setting in
      manifest.settings.contains { $0.name == setting.name && $0.value != setting.value }
    }
    guard !different.isEmpty else { return nil }
    let theirs = different.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    let own = manifest.settings.filter { own in different.contains { $0.name == own.name } }
      .map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    return .badNote(key: "settings", reason: "says \(theirs), and the library has \(own)")
  }

  /// Adapters that were trained with another α / r, and would add something else.
  func otherAdapters(than manifest: Manifest) -> SafetensorsProblem? {
    guard let theirs = adapterScale, let own = manifest.adapterScale, theirs != own else {
      return nil
    }
    return .badNote(
      key: "adapter_scale",
      reason: "says that adapters are scaled by \(theirs), and the library scales them by \(own)")
  }

  /// Names and values of `experts=16 chosen=4`; what is no such pair is left out.
  private static func settings(_ text: String) -> [Manifest.Setting] {
    text.split(separator: " ").compactMap { pair in
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      return parts.count == 2 ? .init(name: parts[0], value: parts[1]) : nil
    }
  }

  /// Sizes by axis name from `B=16 C=128`; what is no such pair is left out.
  static func axes(_ text: String) -> [String: Int] {
    var axes: [String: Int] = [:]
    for pair in text.split(separator: " ") {
      let parts = pair.split(separator: "=", maxSplits: 1)
      if parts.count == 2, let size = Int(parts[1]), size > 0 { axes[String(parts[0])] = size }
    }
    return axes
  }

  private static func vocabulary(
    _ text: String, limit: Int, _ problems: inout [SafetensorsProblem]
  ) -> [Unicode.Scalar] {
    func refuse(_ reason: String) -> [Unicode.Scalar] {
      problems.append(.badNote(key: "vocabulary", reason: reason))
      return []
    }
    guard MarkRuns.excessive(in: text.utf8) == nil,
      let elements = try? JSON.parse(Array(text.utf8), .strict).elements
    else {
      return refuse("is no list of characters")
    }
    var scalars: [Unicode.Scalar] = []
    for element in elements {
      guard let string = element.name, let first = string.unicodeScalars.first,
        string.unicodeScalars.count == 1
      else { return refuse("is no list of characters") }
      scalars.append(first)
    }
    if Set(scalars).count != scalars.count { return refuse("has a character twice") }
    if scalars.count > limit {
      return refuse("has \(scalars.count.grouped) characters, the model knows \(limit.grouped)")
    }
    return scalars
  }
}
