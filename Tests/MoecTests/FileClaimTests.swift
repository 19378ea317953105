import Foundation
import ModelFixtures
import Testing

/// No command replaces a file that it reads, whatever way the file is named.
@Suite struct FileClaimTests {
  /// How an output names the file that is the input.
  enum Way: String, CaseIterable {
    case sameName, otherPath, missingFolder, symbolicLink, hardLink
  }

  /// Every output of every command; `IN` is read, `OUT` is the same file.
  static let lines = [
    "compile IN.swift -o OUT.swift", "compile m.swift --cc IN -o OUT",
    "run IN.so --train --data t.txt --save OUT.so", "run IN.so --train --data t.txt --log OUT.so",
    "run IN.so --train --data t.txt --record OUT.so",
    "run l.so --train --data IN.txt --save OUT.txt", "run l.so --train --data IN --log OUT",
    "run l.so --train --data IN --record OUT", "run l.so --train --tokenizer IN --save OUT",
    "run l.so --train --weights IN --save OUT --overwrite",
    "run l.so --train --resume IN --log OUT --overwrite",
    "run l.so --train --resume IN --save w --record OUT --overwrite",
    "run l.so --train --replay IN --record OUT --overwrite",
    "run l.so --route text --weights IN.html --html OUT.html",
    "tokenizer train IN -o OUT", "tokenizer train t.txt IN -o OUT",
    "weights convert IN OUT --names makemoe", "weights convert w OUT --names IN",
    "plot IN.svg -o OUT.svg", "plot l.jsonl --reference IN.html -o OUT.html",
    "inspect IN --html OUT", "inspect l.so --bench IN --html OUT", "bench IN --trace OUT",
    "bench l.so --cc IN --trace OUT", "search IN.html --space a=1,2 --html OUT.html",
    "search m.swift --space a=1,2 --data IN.html --html OUT.html",
  ]

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  /// The name that the output goes by, made to lead to the input.
  private func output(_ input: String, _ name: String, _ way: Way, in folder: String) throws
    -> String
  {
    switch way {
    case .sameName: return input
    case .otherPath:
      return "../\((folder as NSString).lastPathComponent)/./\(input)"
    case .missingFolder: return "missing/../\(input)"
    case .symbolicLink: #expect(symlink(input, "\(folder)/\(name)") == 0)
    case .hardLink: #expect(link("\(folder)/\(input)", "\(folder)/\(name)") == 0)
    }
    return name
  }

  @Test(arguments: lines, Way.allCases)
  func anInputIsNotReplaced(line: String, way: Way) throws {
    let folder = try ModelFixture.folder()
    let words = line.split(separator: " ").map(String.init)
    let input = try #require(words.first { $0.hasPrefix("IN") })
    let name = try #require(words.first { $0.hasPrefix("OUT") })
    try write("precious", "\(folder)/\(input)")
    let output = try output(input, name, way, in: folder)
    let result = try Command.moec(words.map { $0 == name ? output : $0 }, in: folder)
    #expect(result.status == 1, "\(result.errors)")
    // `..` out of a folder that is missing leads nowhere, not to the input.
    let hint = way == .missingFolder ? "hint: " : "hint: name another file; nothing was touched"
    #expect(result.errors.contains(hint), "\(result.errors)")
    #expect(try String(contentsOfFile: "\(folder)/\(input)", encoding: .utf8) == "precious")
    let left = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(Set(left).isSubset(of: [input, name]), "\(left)")
  }

  /// A command that is new writes nothing, or is in the list above.
  @Test func everyCommandIsLookedAt() throws {
    let help = try Command.moec(["--help"]).output
    let start = try #require(help.range(of: "SUBCOMMANDS:")).upperBound
    let names = help[start...].matches(of: /\n {2}([a-z]+)\s/).map { String($0.output.1) }
    let writing = Set(Self.lines.map { String($0.prefix { $0 != " " }) })
    // `demo` and `new` name their own outputs, `import` and `export` write folders; the others write no files.
    let others: Set = [
      "demo", "new", "check", "mlflow", "doctor", "runs", "simulate", "chat", "import", "export",
      "help",
    ]
    #expect(names.count > 8)
    #expect(Set(names).subtracting(others) == writing)
  }

  @Test(arguments: [
    "run l.so --train --save a --log a", "run l.so --train --save a --log a.best",
    "run l.so --train --save a --record ./a", "compile m.swift -o m.h",
  ])
  func twoOutputsAreTwoFiles(line: String) throws {
    let folder = try ModelFixture.folder()
    let result = try Command.moec(line.split(separator: " ").map(String.init), in: folder)
    #expect(result.status == 1 && result.errors.contains(" are one file"), "\(result.errors)")
  }

  @Test(arguments: [
    "run l.so --train --log f > f", "bench l.so --json --trace ./f > f",
    "plot l.jsonl -o f.svg --table >> f.svg",
  ])
  func whatIsPrintedGoesElsewhere(line: String) throws {
    let folder = try ModelFixture.folder()
    let result = try Command.shell("\"$0\" " + line, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("and standard output are one file"), "\(result.errors)")
  }

  /// What a command makes may take the place of what it made before, and of nothing else.
  @Test(arguments: [
    "compile m.swift -o OUT.so", "inspect l.so --html OUT", "bench l.so --trace OUT",
    "plot l.jsonl -o OUT.svg", "plot l.jsonl -o OUT.html", "plot l.jsonl -o OUT.png",
    "weights convert w OUT --names makemoe", "tokenizer train t.txt -o OUT",
    "run l.so --route text --html OUT",
  ])
  func otherFilesAreNotReplaced(line: String) throws {
    let folder = try ModelFixture.folder()
    let words = line.split(separator: " ").map(String.init)
    let output = try #require(words.first { $0.hasPrefix("OUT") })
    try write("precious", "\(folder)/\(output)")
    let result = try Command.moec(words, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("\(output) is there already, and not a"), "\(result.errors)")
    #expect(try String(contentsOfFile: "\(folder)/\(output)", encoding: .utf8) == "precious")
  }

  /// Weights may be days of work: they are replaced by those who say so, alone.
  @Test(arguments: [
    "weights convert w OUT --names makemoe", "weights merge w OUT",
    "weights upcycle w --into l.so -o OUT",
  ])
  func weightsAreNotReplacedUnasked(line: String) throws {
    let folder = try ModelFixture.folder()
    let weights = Data([2, 0, 0, 0, 0, 0, 0, 0]) + Data("{}".utf8)
    for name in ["w", "OUT"] { try weights.write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
    let words = line.split(separator: " ").map(String.init)
    let result = try Command.moec(words, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("error: OUT is there already\n"), "\(result.errors)")
    #expect(result.errors.contains("--overwrite; nothing was touched"), "\(result.errors)")
    let asked = try Command.moec(words + ["--overwrite"], in: folder)
    #expect(!asked.errors.contains("is there already"), "\(asked.errors)")
  }

  @Test func theTokenizerOfShardsIsNotReplaced() throws {
    let folder = try ModelFixture.folder()
    try write("a text, a text", folder + "/t.txt")
    try write("another", folder + "/u.txt")
    for name in ["t", "u"] {
      let trained = try Command.moec(
        ["tokenizer", "train", "\(name).txt", "-o", "\(name).json", "--vocabulary", "260"],
        in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
    }
    try FileManager.default.createDirectory(
      atPath: folder + "/s", withIntermediateDirectories: false)
    let shard = ["tokenizer", "shard", "t.txt", "-o", "s", "--tokenizer"]
    try write("precious", folder + "/s/tokenizer.json")
    let other = try Command.moec(shard + ["t.json"], in: folder)
    #expect(other.status == 1 && other.errors.contains("s/tokenizer.json is there already"))
    // Its own may lie there already, and so may the text's name be another's.
    try FileManager.default.removeItem(atPath: folder + "/s/tokenizer.json")
    try FileManager.default.copyItem(
      atPath: folder + "/t.json", toPath: folder + "/s/tokenizer.json")
    let same = try Command.moec(shard + ["s/tokenizer.json"], in: folder)
    #expect(same.status == 0, "\(same.errors)")
  }
}
