import Foundation
import ModelFixtures
import Testing

/// What `moec --experimental-dump-help` tells of a command.
struct CommandDescription: Decodable {
  struct Dump: Decodable { var command: CommandDescription }

  struct Argument: Decodable {
    struct Name: Decodable {
      var kind: String
      var name: String
    }
    var kind: String
    var names: [Name]?
    var valueName: String?
    var sectionTitle: String?
    var abstract: String?
    var defaultValue: String?
    var allValues: [String]?
    var allValueStrings: [String]?
    var isOptional: Bool
    var isRepeating: Bool
    var shouldDisplay: Bool
  }

  var commandName: String
  var abstract: String?
  var discussion: String?
  var arguments: [Argument]?
  var subcommands: [CommandDescription]?
  var superCommands: [String]?

  static let moec = Result {
    let dump = try Command.moec(["--experimental-dump-help"])
    return try JSONDecoder().decode(Dump.self, from: Data(dump.output.utf8)).command
  }

  /// This command and all below it, but for `help`.
  var all: [CommandDescription] {
    [self] + (subcommands ?? []).filter { $0.commandName != "help" }.flatMap(\.all)
  }

  var call: String { ((superCommands ?? []) + [commandName]).joined(separator: " ") }

  /// What the command's section on the page is.
  var section: String {
    let parts = (discussion ?? "").split(separator: "EXAMPLES", maxSplits: 1)
    let examples = parts.last.map(String.init) ?? ""
    let words = parts.count > 1 ? String(parts[0]).split(separator: "\n") : []
    // Rows in columns, under a heading in capitals, become a table.
    let rows = words.filter { $0.hasPrefix("  ") }
    let prose = words.filter { !$0.hasPrefix("  ") && (rows.isEmpty || $0 != $0.uppercased()) }
    let said = [abstract ?? "", prose.joined(separator: " ")].map {
      $0.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    let commands = examples.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    return "## `\(call)`\n\n" + said.filter { !$0.isEmpty }.joined(separator: " ")
      + "\n\n```console\n" + ([usage, ""] + commands).joined(separator: "\n") + "\n```\n\n"
      + Self.table(rows) + tables
  }

  private static func table(_ rows: [Substring]) -> String {
    if rows.isEmpty { return "" }
    return "| | |\n|---|---|\n"
      + rows.map { row in
        let name = row.drop { $0 == " " }.prefix { $0 != " " }
        return "| `\(name)` | \(row[name.endIndex...].drop { $0 == " " }) |\n"
      }.joined() + "\n"
  }

  private var shown: [Argument] {
    (arguments ?? []).filter {
      $0.shouldDisplay && !($0.names ?? []).contains { ["help", "version"].contains($0.name) }
    }
  }

  private var usage: String {
    if subcommands?.isEmpty == false { return "usage: \(call) COMMAND" }
    let positionals = shown.filter { $0.kind == "positional" }.map { argument in
      let name = "<\(argument.valueName ?? "")>" + (argument.isRepeating ? "…" : "")
      return argument.isOptional ? "[\(name)]" : name
    }
    let hasOptions = shown.contains { $0.kind != "positional" }
    return (["usage: \(call)"] + positionals + (hasOptions ? ["[options]"] : []))
      .joined(separator: " ")
  }

  /// A table for the options that have no title, and one for each title.
  private var tables: String {
    var titles: [String?] = [nil]
    for title in shown.map(\.sectionTitle) where !titles.contains(title) { titles.append(title) }
    return titles.map { title in
      let rows = shown.filter { $0.sectionTitle == title }
      if rows.isEmpty { return "" }
      return (title.map { "\($0):\n\n" } ?? "") + "| | |\n|---|---|\n"
        + rows.map { "\($0.row)\n" }.joined() + "\n"
    }.joined()
  }
}

extension CommandDescription.Argument {
  fileprivate var row: String { "| \(label) | \(help) |" }

  private var label: String {
    let value = kind == "option" ? " \((valueName ?? "value").uppercased())" : ""
    guard let names, kind != "positional" else { return "`<\(valueName ?? "")>`" }
    let sorted = names.sorted { $0.name.count < $1.name.count }
    return sorted.enumerated().map { index, name in
      let dashes = name.kind == "short" ? "-" : "--"
      return "`\(dashes)\(name.name)\(index == sorted.count - 1 ? value : "")`"
    }.joined(separator: ", ").replacing("|", with: "\\|")
  }

  private var help: String {
    var text = abstract ?? ""
    let values = (allValueStrings ?? allValues ?? []).filter { !text.contains($0) }
    if !values.isEmpty, kind == "option" {
      text += " One of \((allValueStrings ?? allValues ?? []).joined(separator: ", "))."
    }
    if isRepeating, kind == "option", !text.contains("again"), !text.contains("repeatable") {
      text += " May be given again."
    }
    if let defaultValue, !text.contains("(default"), kind != "flag", !defaultValue.isEmpty {
      text += " (default: \(defaultValue))"
    }
    return text.replacing("|", with: "\\|").replacing("<", with: "&lt;")
  }
}

/// Docs/command-line.md is what the commands say of themselves.
@Suite struct CommandLineTests {
  @Test func pageIsWhatTheCommandsSay() throws {
    let commands = try CommandDescription.moec.get().all.dropFirst()
    #expect(commands.count > 10)
    try DocumentationPage("command-line").check(
      generated: "commands", is: "\n" + commands.map(\.section).joined())
  }

  /// Whatever the environment may say is on the page, and nothing else.
  @Test func variablesAreThoseThatAreRead() throws {
    var read: Set<String> = []
    let files = try #require(FileManager.default.enumerator(atPath: "\(root)/Sources"))
    for case let file as String in files
    where file.hasSuffix(".swift") && !file.hasPrefix("Codegen/") {
      let source = try String(contentsOfFile: "\(root)/Sources/\(file)", encoding: .utf8)
      let pattern = /["`]((?:MOEC|XDG|G?OMP|MLFLOW|NO)_[A-Z_]*[A-Z])["`]/
      read.formUnion(source.matches(of: pattern).map { String($0.output.1) })
    }
    // Between moec and itself.
    read.remove("MOEC_PRELOADED")
    let named = try DocumentationPage("command-line").names(under: "Environment")
    #expect(named == read)
  }
}
