import ArgumentParser
import GraphIR
import Words

/// What commands that trace a model can be told of its settings.
struct SettingOptions: ParsableArguments {
  @Option(
    name: .customLong("set"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A value for one of the model's settings; may be given again.", valueName: "name=value"))
  var words: [String] = []

  func validate() throws {
    var names: Set<Substring> = []
    for word in words {
      guard let equals = word.firstIndex(of: "="), equals > word.startIndex else {
        throw ValidationError("--set takes NAME=VALUE, such as --set experts=16, not '\(word)'")
      }
      guard names.insert(word[..<equals]).inserted else {
        throw ValidationError("--set gives \(word[..<equals]) twice")
      }
    }
  }
}

extension [ModelSetting] {
  /// A line for each with its name, value, what it may be, and its help.
  var table: String {
    if isEmpty { return "the model has no settings; Setting(\"experts\", 8) makes one" }
    let rows = map { setting in
      let isChosen = setting.value != setting.usual
      let usual = isChosen ? ", usually \(setting.usual)" : ""
      return [setting.name, "\(setting.value)", setting.kind + usual, setting.help]
    }
    return Columns.text([["setting", "value", "may be", ""]] + rows) { $0 != 1 }
  }
}
