import ArgumentParser
import Foundation

/// A hint for a command line that names a command or an option that there is not.
enum Suggestion {
  /// `did you mean --train?`; nil if nothing is near.
  static func hint(for arguments: [String]) -> String? {
    var command: any ParsableCommand.Type = Moec.self
    var rest = arguments.first == "help" ? arguments.dropFirst() : arguments[...]
    while let word = rest.first, !word.hasPrefix("-") {
      let known = command.configuration.subcommands
      guard !known.isEmpty else { break }
      guard let next = known.first(where: { name(of: $0) == word }) else {
        return Spelling.nearest(to: word, among: known.map(name) + ["help"]).map { didYouMean($0) }
          ?? flag(called: word, of: command)
      }
      (command, rest) = (next, rest.dropFirst())
    }
    return option(of: command, rest)
  }

  /// A command line in which `--prompt=` has its empty value behind it, which the library would take
  /// for none and look for in what follows.
  static func withEmptyValues(_ arguments: [String]) -> [String] {
    var command: any ParsableCommand.Type = Moec.self
    for word in arguments.prefix(while: { !$0.hasPrefix("-") }) {
      guard let next = command.configuration.subcommands.first(where: { name(of: $0) == word })
      else { break }
      command = next
    }
    let isLast = { arguments[..<$0].contains("--") }
    let candidates = arguments.contains { $0.hasPrefix("--") && $0.hasSuffix("=") }
    guard candidates else { return arguments }
    let help = Moec.helpMessage(for: command)
    return arguments.indices.flatMap { index in
      let word = arguments[index]
      let isOption = word.hasPrefix("--") && help.contains("\(word.dropLast()) <")
      return word.hasSuffix("=") && isOption && !isLast(index)
        ? [String(word.dropLast()), ""] : [word]
    }
  }

  /// Errors: `moec help WORD` asks about a command that there is not, which the library answers with
  /// the help of all.
  static func checkHelp(_ arguments: [String]) throws {
    guard arguments.first == "help" else { return }
    var command: any ParsableCommand.Type = Moec.self
    for word in arguments.dropFirst() where !word.hasPrefix("-") {
      let known = command.configuration.subcommands
      guard let next = known.first(where: { name(of: $0) == word }) else {
        throw ValidationError("there is no command '\(word)'")
      }
      command = next
    }
  }

  /// Errors: a file that is there has a name that reads as options, of which `-h` would be help.
  static func checkNames(_ arguments: [String]) throws {
    for word in arguments.prefix(while: { $0 != "--" })
    where word.hasPrefix("-") && !word.hasPrefix("--") && word.count > 2 {
      guard access(word, F_OK) == 0 else { continue }
      throw ValidationError("\(word) begins as options do: write ./\(word)")
    }
  }

  private static func option(
    of command: any ParsableCommand.Type, _ words: ArraySlice<String>
  ) -> String? {
    let help = Moec.helpMessage(for: command)
    let known = Set(help.matches(of: /--[a-z][a-z-]*/).map { String($0.output) })
    let own = words.prefix { $0 != "--" }
    for word in own where word.hasPrefix("--") {
      let name = String(word.prefix { $0 != "=" })
      if known.contains(name) { continue }
      return Spelling.nearest(to: name, among: known).map { didYouMean($0) }
    }
    return own.lazy.compactMap { meant(by: $0, among: known, help) }.first
  }

  /// For an option with a dash too few or none, and a name that reads as options.
  private static func meant(by word: String, among known: Set<String>, _ help: String) -> String? {
    guard !word.hasPrefix("--"), word.count > 1 else { return nil }
    guard word.hasPrefix("-") else {
      return known.contains("--\(word)") ? didYouMean("--\(word)") : nil
    }
    let isShort = help.contains(word.prefix(2) + ",") || help.contains(word.prefix(2) + " <")
    if isShort || Double(word) != nil { return nil }
    if word.count > 2, let near = Spelling.nearest(to: "-" + word, among: known) {
      return didYouMean(near)
    }
    return "there is no option \(word); a name that begins so is written ./\(word)"
  }

  /// For the name of what a command does for a flag, as `train` and `version`.
  private static func flag(called word: String, of command: any ParsableCommand.Type) -> String? {
    guard word.allSatisfy({ $0.isLetter || $0 == "-" }) else { return nil }
    for candidate in [command] + command.configuration.subcommands {
      let help = Moec.helpMessage(for: candidate)
      guard help.split(separator: "\n").contains(where: { isFlag($0, word) }) else { continue }
      let isOwn = candidate == command
      return isOwn
        ? didYouMean("--\(word)")
        : "'moec \(name(of: candidate))' does so with --\(word): see moec \(name(of: candidate)) --help"
    }
    return nil
  }

  /// Whether a line of the help is that of a flag.
  private static func isFlag(_ line: Substring, _ name: String) -> Bool {
    let words = line.split(separator: " ")
    let flag = "--\(name)"
    guard line.hasPrefix("  "), let place = words.firstIndex(of: flag[...]), place < 2 else {
      return false
    }
    return place + 1 == words.count || !words[place + 1].hasPrefix("<")
  }

  /// The same for a value that is none of those which an option takes and the library lists.
  static func hint(forValueIn message: String) -> String? {
    guard let value = message.firstMatch(of: #/The value '([^']*)' is invalid for/#)?.output.1
    else { return nil }
    // A few stand in the sentence, more below it.
    guard let list = message.firstMatch(of: #/one of(.*)/#.dotMatchesNewlines())?.output.1
    else { return nil }
    let known = list.matches(of: #/'([^'\n]+)'|\n  - ([^\n]+)/#).map {
      $0.output.1 ?? $0.output.2 ?? ""
    }
    return Spelling.nearest(to: String(value), among: known.map(String.init)).map(didYouMean)
  }

  private static func didYouMean(_ word: String) -> String { "did you mean '\(word)'?" }

  private static func name(of command: any ParsableCommand.Type) -> String {
    command.configuration.commandName ?? command._commandName
  }
}
