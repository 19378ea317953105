import ArgumentParser
import Foundation
import ModelFixtures
import Testing

@testable import moec

private let hasGit =
  (try? Command.shell("git -C \"$1\" rev-parse --git-dir", [root]))?.status == 0

/// Whoever types the commands of the README and of `--help` in a clone finds it clean afterwards.
@Suite struct IgnoredOutputTests {
  /// The commands that README.md and the pages beside the examples show, and those of `--help`.
  private static func lines() throws -> [String] {
    var lines: [String] = []
    for page in ["README.md", "Examples/peers-benchmark/README.md"] {
      let text = try String(contentsOfFile: "\(root)/\(page)", encoding: .utf8)
      lines += text.split(separator: "\n").filter { $0.hasPrefix("    ") }.map(String.init)
      lines += text.matches(of: /`((?:cc|swiftc|python3?) [^`]*)`/).map { String($0.output.1) }
    }
    func help(_ type: any ParsableCommand.Type) -> [String] {
      Moec.helpMessage(for: type, columns: 400).split(separator: "\n").map(String.init)
        + type.configuration.subcommands.flatMap(help)
    }
    return lines + help(Moec.self).filter { $0.hasPrefix("  moec ") }
  }

  /// What a line writes: the words after options that name outputs, and after `>`.
  private static func outputs(of line: String) -> [String] {
    let words = line.split(separator: " ").map(String.init)
    let options = [
      "-o", "--output", "--generated", "--save", "--log", "--record", "--html", "--trace",
      "--extract", "--out", "--tensorboard", ">",
    ]
    let outputs = zip(words, words.dropFirst()).filter { options.contains($0.0) }.map(\.1)
    // A library has its header beside it, and words in capitals stand for a name.
    return outputs.flatMap { output in
      let path = URL(fileURLWithPath: output)
      guard path.lastPathComponent.contains(where: \.isLowercase) else { return [String]() }
      let isLibrary = output.hasSuffix(".so")
      return [output] + (isLibrary ? [String(output.dropLast(3)) + ".h"] : [])
    }
  }

  @Test(.enabled(if: hasGit, "no clone, or no git"))
  func commandsLeaveTheCloneClean() throws {
    let outputs = Set(try Self.lines().flatMap(Self.outputs)).sorted()
    #expect(outputs.contains("libmakemoe.h") && outputs.contains("bench.json"), "\(outputs)")
    let defaults = ["build/libmodel.so", "build/libmodel.h", "build/model/model.c", "runs/a/log"]
    for output in outputs + defaults {
      let script = """
        cd "$1" || exit
        git check-ignore -q -- "$2" || git check-ignore -q -- "$2/" ||
          git ls-files --error-unmatch -- "$2" > /dev/null 2>&1
        """
      let isClean = try Command.shell(script, [root, output]).status == 0
      #expect(isClean, "git status would show \(output)")
    }
  }
}
