import Foundation
import ModelFixtures
import Testing

/// What commands say when a file cannot be written, whichever command and whatever the reason.
@Suite struct WriteErrorTests {
  private static let log = #"{"step":0,"train_loss":2,"val_loss":2,"seconds":1,"tokens":1}"# + "\n"

  /// A folder with a text, a log, and weights that need no more than a name map.
  private func folder() throws -> String {
    let folder = try ModelFixture.folder()
    let header = #"{"a":{"dtype":"F32","shape":[16384],"data_offsets":[0,65536]}}"#
    let length = UInt64(header.utf8.count)
    let weights =
      (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) } + Array(header.utf8)
      + [UInt8](repeating: 0, count: 65536)
    let files: [(String, Data)] = [
      ("text", Data(String(repeating: "some text of words\n", count: 50).utf8)),
      ("log.jsonl", Data(Self.log.utf8)), ("names", Data("a  b\n".utf8)), ("in", Data(weights)),
      ("file", Data()),
    ]
    for (name, data) in files { try data.write(to: URL(fileURLWithPath: folder + "/" + name)) }
    return folder
  }

  private static let commands = [
    "weights convert in OUT --names names", "plot log.jsonl -o OUT.svg",
    "tokenizer train text --vocabulary 300 -o OUT",
  ]

  private func run(_ command: String, to output: String, _ limit: String = "") throws -> Command {
    let words = command.replacing("OUT", with: output).split(separator: " ").map(String.init)
    return try Command.shell("\(limit) exec \"$0\" \"$@\"", words, in: try folder())
  }

  @Test(arguments: commands)
  func saysWhatToDo(_ command: String) throws {
    for (output, hint) in [
      ("no/such", "make the folder first"), ("file/x", "a part of the path is a file"),
    ] {
      let outcome = try run(command, to: output)
      #expect(outcome.status == 1)
      #expect(outcome.errors.contains("hint: \(hint)"), "\(outcome)")
    }
  }

  /// In blocks of 512 bytes or of a kilobyte: all the outputs are larger.
  @Test(arguments: commands.filter { !$0.contains("plot") })
  func aFileThatMayNotBeSoLargeIsAnError(_ command: String) throws {
    let outcome = try run(command, to: "out", "ulimit -f 2;")
    #expect(outcome.status == 1, "\(outcome)")
    #expect(outcome.errors.contains("hint: files may not be so large there"), "\(outcome)")
  }

  @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "no full device here"))
  func helpThatNobodyGetsIsAnError() throws {
    let result = try Command.shell("\"$0\" --help > /dev/full")
    #expect(result.status == 1 && result.errors.contains("no space left"), "\(result)")
  }

  @Test(arguments: commands)
  func aFolderIsNoFile(_ command: String) throws {
    guard !command.contains("svg") else { return }
    let outcome = try run(command, to: "/tmp")
    #expect(outcome.errors.contains("hint: name a file, not a folder"), "\(outcome)")
  }
}
