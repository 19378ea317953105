import ArgumentParser
import Testing

@testable import moec

/// Every command explains itself, with examples that work.
@Suite struct HelpTests {
  /// A command with the words that call it.
  struct Entry: Sendable, CustomTestStringConvertible {
    var words: [String]
    var type: any ParsableCommand.Type

    var testDescription: String { words.joined(separator: " ") }

    /// The command and all below it.
    static func all(_ words: [String], _ type: any ParsableCommand.Type) -> [Entry] {
      [Entry(words: words, type: type)]
        + type.configuration.subcommands.flatMap { all(words + [name(of: $0)], $0) }
    }

    private static func name(of type: any ParsableCommand.Type) -> String {
      type.configuration.commandName ?? String(describing: type).lowercased()
    }
  }

  static let entries = Entry.all(["moec"], Moec.self)

  @Test func thereAreCommands() {
    #expect(Self.entries.count > 12)
  }

  @Test("There are examples, and they parse", arguments: entries)
  func examples(_ entry: Entry) throws {
    let help = Moec.helpMessage(for: entry.type, columns: 200)
    let lines = help.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let start = try #require(lines.firstIndex(of: "EXAMPLES"), "\(help)")
    let examples = lines[(start + 1)...].prefix { $0.hasPrefix("moec ") }
    #expect(!examples.isEmpty)
    for example in examples {
      let words = ShellWords(example).words
      #expect(words.first == "moec")
      #expect(throws: Never.self, "\(example)") {
        _ = try Moec.parseAsRoot(Array(words.dropFirst()))
      }
    }
    #expect(examples.contains { ShellWords($0).words.starts(with: entry.words) })
  }

  /// At the usual width a line of an example that is cut could not be copied.
  @Test(arguments: entries)
  func examplesAreWhole(_ entry: Entry) throws {
    let help = Moec.helpMessage(for: entry.type, columns: 80)
    let after = try #require(help.components(separatedBy: "EXAMPLES\n").last)
    let lines = after.components(separatedBy: "\n\n")[0].split(separator: "\n")
    for line in lines { #expect(line.hasPrefix("  "), "\(line)") }
  }

  @Test("Every argument that is a file says so to the shell", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let shell = try #require(CompletionShell(rawValue: shell))
    let script = Moec.completionScript(for: shell)
    for word in ["check", "strict", "gradients", "tokenizer", "backward", "FuseAttention"] {
      #expect(script.contains(word), "\(word)")
    }
    #expect(script.contains("safetensors"))
  }

  @Test("Wrong examples do not parse")
  func strict() {
    #expect(throws: (any Error).self) { _ = try Moec.parseAsRoot(["compile", "--wonder"]) }
  }

  @Test func versionNamesWhatAReportNeeds() {
    #expect(Moec.configuration.version.contains(/^moec \d+\.\d+\.\d+\nmodel interface \d+\n/))
    #expect(Moec.configuration.version.contains("Swift 6"))
  }
}

/// A line as a shell cuts it, without redirections and comments.
struct ShellWords {
  var words: [String] = []

  init(_ line: String) {
    var quote: Character?
    var word: String?
    for character in line + " " {
      if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if character == " " {
        if let ended = word {
          if ended == "#" || ended == ">" || ended == "<" { return }
          words.append(ended)
        }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
  }
}
