import Foundation
import ModelFixtures
import Testing

/// `Docs/first-hour.md` is what `Scripts/first-hour` types, and all of that works.
@Suite struct FirstHourTests {
  private static let commands = Result {
    let list = try Command.run("\(root)/Scripts/first-hour", ["--list"])
    try #require(list.status == 0, "\(list.errors)")
    return list.output.split(separator: "\n").map(String.init)
  }

  @Test func thePageHasTheScriptsCommands() throws {
    let page = try DocumentationPage("first-hour")
    let lines = page.blocks.filter { $0.language == "console" }.flatMap {
      $0.text.split(separator: "\n")
    }
    let shown = lines.filter { $0.hasPrefix("$ ") }.map { String($0.dropFirst(2)) }
    #expect(try shown == Self.commands.get())
    let seconds = page.text.matches(of: /(?m)^# [0-9.]+ s, [0-9.]+ s of the processors; [0-9]+ s/)
    #expect(seconds.count == shown.count { !$0.hasPrefix("cd ") })
    for place in ["/tmp/", "/root/", "/home/", "/work/", "/opt/"] {
      #expect(!page.text.contains(place), "\(place)")
    }
  }

  /// With a small model and few steps, in one folder; the demo and the installation have tests of their
  /// own, DemoTests and InstallTests.
  @Test func whatIsTypedWorks() throws {
    let others = [
      "git clone … moec", "cd moec", "swift run moec demo", "./install.sh", "cd ..", "cd ../moec",
    ]
    let commands = try Self.commands.get()
    let typed = commands.filter { !others.contains($0) }
    #expect(commands.count == typed.count + others.count && typed.count > 20, "\(commands)")
    let script = typed.joined(separator: "\n").replacing(
      "--steps 600 --eval-batches 20", with: "--steps 2 --eval-batches 1"
    ).replacing("moec new my-model", with: "moec new my-model --model tiny")
      .replacing("moec bench build/libmodel.so", with: "moec bench build/libmodel.so --steps 1")
    let clone = try ScratchClone()
    let changes = try clone.changes {
      let command = try clone.type("unset MOEC_RUNS\n" + script)
      #expect(command.status == 0, "\(script)\n\(command.output)")
      #expect(command.output.contains("did you mean '--train'?"), "\(command.output)")
    }
    #expect(changes == nil || changes == "", "git status is not clean")
  }

  @Test(arguments: [[], ["a", "b"], ["--wonder"], [""]])
  func wrongUsageIsSaid(words: [String]) throws {
    let result = try Command.run("\(root)/Scripts/first-hour", words)
    #expect(result.status == 64 && result.errors.contains("Scripts/first-hour FOLDER"))
  }
}
