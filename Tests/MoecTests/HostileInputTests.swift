import Foundation
import ModelFixtures
import Testing

/// Small files that would fill any memory: each is refused within little of it.
@Suite struct HostileInputTests {
  /// Runs `moec` with at most 3 GB of addresses and 60 seconds of processor time.
  private func bounded(_ arguments: [String], in folder: String) throws -> Command {
    let script = "ulimit -v 3000000; ulimit -t 60; exec \"$0\" \"$@\""
    return try Command.shell(script, arguments, in: folder)
  }

  private func refused(_ command: Command) -> Bool {
    command.status == 1 && command.errors.contains("error: ") && command.errors.contains("hint: ")
  }

  private static func weights(_ header: String, data: Int = 0) -> [UInt8] {
    let length = UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> UInt64(8 * $0)) } + Array(header.utf8)
      + [UInt8](repeating: 0, count: data)
  }

  private static func tensor(_ name: String, _ shape: String, _ end: Int = 0) -> String {
    #""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[0,\#(end)]}"#
  }

  static let files: [(name: String, bytes: [UInt8])] = [
    ("stack of 2^40", weights("{\(tensor("block.0.mixture.up.weight", "[1099511627776,0]"))}")),
    (
      "stack of 2^60",
      weights("{\(tensor("block.0.mixture.up.weight", "[1152921504606846976,0]"))}")
    ),
    (
      "piece of 2^60",
      weights("{\(tensor("blocks.0.sa.heads.0.query.weight", "[1152921504606846976,0]"))}")
    ),
    (
      "rows of 0",
      weights("{\(tensor("blocks.0.smoe.experts.0.net.0.weight", "[0,4611686018427387904]"))}")
    ),
    (
      "a mask of 200,000 by 200,000",
      weights("{\(tensor("position.weight", "[200000,1]", 800_000))}", data: 800_000)
    ),
    (
      "numbers that only a product of all has",
      weights(
        "{"
          + (0..<3000).map { tensor("block.\($0).mixture.norm.weight", "[1]", 0) }
          .joined(separator: ",") + "}")
    ),
  ]

  @Test(arguments: files.map(\.name))
  func weights(_ name: String) throws {
    let folder = try ModelFixture.folder()
    let bytes = try #require(Self.files.first { $0.name == name }).bytes
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/in"))
    let command = try bounded(
      ["weights", "convert", "in", "out", "--names", "makemoe", "--buffers"], in: folder)
    #expect(refused(command), "\(command)")
    #expect(!FileManager.default.fileExists(atPath: folder + "/out"))
  }

  @Test(arguments: [
    String(repeating: "{a,b}", count: 26) + " " + String(repeating: "{a,b}", count: 26),
    String(repeating: "{a}", count: 60_000) + " x",
    String(repeating: "{a,b}", count: 13) + " x",
    "triangle " + String(repeating: "{a,b}", count: 40) + " of x",
    [String](repeating: String(repeating: "{a,b}", count: 12) + " x", count: 3).joined(
      separator: "\n"),
  ])
  func names(_ text: String) throws {
    let folder = try ModelFixture.folder()
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/names"))
    try Data(Self.weights("{}")).write(to: URL(fileURLWithPath: folder + "/in"))
    let command = try bounded(["weights", "convert", "in", "out", "--names", "names"], in: folder)
    #expect(refused(command), "\(command)")
    #expect(command.errors.contains("names:"), "\(command)")
  }

  @Test func tokenizers() throws {
    let folder = try ModelFixture.folder()
    let step =
      #"{"type":"Replace","pattern":{"String":"a"},"content":""#
      + String(repeating: "a", count: 100)
      + "\"}"
    let steps = [String](repeating: step, count: 10).joined(separator: ",")
    let model = #""model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}"#
    for part in ["normalizer", "decoder"] {
      let text = "{\"\(part)\":{\"type\":\"Sequence\",\"\(part)s\":[\(steps)]},\(model)}"
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/\(part).json"))
      try Data("banana".utf8).write(to: URL(fileURLWithPath: folder + "/text"))
      let command = try bounded(
        ["tokenizer", "encode", "text", "--tokenizer", "\(part).json"], in: folder)
      #expect(refused(command), "\(command)")
    }
  }

  /// Names of one letter and a hundred thousand marks, which take minutes to compare.
  @Test func marks() throws {
    let folder = try ModelFixture.folder()
    let bomb = "a" + String(repeating: "\u{301}\u{323}", count: 50_000)
    let escaped = "a" + String(repeating: "\\u0301\\u0323", count: 50_000)
    let model = #""model":{"type":"BPE","vocab":{"a":0},"merges":[]}"#
    let files: [(name: String, bytes: [UInt8])] = [
      ("in", Self.weights("{\(Self.tensor(bomb, "[0]"))}")),
      ("in2", Self.weights("{\(Self.tensor(escaped, "[0]"))}")), ("names", Array("\(bomb) b".utf8)),
      ("log", Array("{\"\(escaped)\":1}\n".utf8)), ("text", Array("a".utf8)),
      ("table", Array("0,1,\(bomb)\n".utf8)),
      ("t.json", Array("{\"type\":\"\(bomb)\",\(model)}".utf8)),
      ("good", Array((#"{"step":0,"train_loss":2,"val_loss":2}"# + "\n").utf8)),
    ]
    for (name, bytes) in files {
      try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
    }
    for command in [
      "weights convert in out --names makemoe", "weights convert in2 out --names makemoe",
      "weights convert in out --names names", "plot log -o out.svg",
      "tokenizer encode text --tokenizer t.json",
      "plot good --reference table -o out.svg",
    ] {
      let outcome = try bounded(command.split(separator: " ").map(String.init), in: folder)
      #expect(refused(outcome), "\(command): \(outcome.errors.prefix(300))")
    }
  }
}
