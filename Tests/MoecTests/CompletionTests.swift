import ArgumentParser
import Foundation
import ModelFixtures
import Testing

@testable import moec

/// Completion scripts, asked as their shells would ask them.
@Suite struct CompletionTests {
  private static func has(_ shell: String) -> Bool {
    (try? Command.run("/bin/sh", ["-c", "command -v \(shell)"]))?.status == 0
  }

  /// A line to complete and something that must be offered.
  static let lines: [(line: String, offer: String)] = [
    ("moec che", "check"), ("moec compile --emit ", "backward"),
    ("moec compile --no ", "FusePointwise"), ("moec compile mod", "model.swift"),
    ("moec run lib.so --train --schedule ", "cosine"), ("moec weights names ", "makemoe"),
    ("moec run li", "lib.so"),
  ]

  /// A folder with files to offer, `moec` among them.
  private static let folder = Result {
    let folder = URL(fileURLWithPath: try ModelFixture.folder())
    for name in ["model.swift", "model.txt", "lib.so"] {
      try Data().write(to: folder.appendingPathComponent(name))
    }
    for shell in CompletionShell.allCases {
      let script = Moec.completionScript(for: shell)
      try Data(script.utf8).write(to: folder.appendingPathComponent("script.\(shell.rawValue)"))
    }
    return folder.path
  }

  private func run(_ shell: String, _ script: String, _ line: String) throws -> Command {
    let moec = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent().path
    return try Command.run(
      "/usr/bin/env", ["PATH=\(moec):/usr/bin:/bin", shell, "-c", script, shell, line],
      in: try Self.folder.get())
  }

  @Test("bash", .enabled(if: has("bash"), "bash is not here"), arguments: lines)
  func bash(line: String, offer: String) throws {
    let script = """
      source ./script.bash
      IFS=' ' read -r -a COMP_WORDS <<< "$1"
      [[ $1 == *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1}
      _moec moec "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let result = try run("bash", script, line)
    #expect(result.output.split(separator: "\n").contains(Substring(offer)), "\(result)")
    #expect(!result.output.contains("model.txt"))
  }

  @Test("fish", .enabled(if: has("fish"), "fish is not here"), arguments: lines)
  func fish(line: String, offer: String) throws {
    let result = try run("fish", "source ./script.fish; complete -C $argv[2]", line)
    let offers = result.output.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
    #expect(offers.contains(Substring(offer)), "\(result)")
  }

  @Test("zsh takes its script", .enabled(if: has("zsh"), "zsh is not here"))
  func zsh() throws {
    #expect(try run("zsh", "zsh -n ./script.zsh", "").status == 0)
  }
}
