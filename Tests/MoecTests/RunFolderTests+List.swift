import Foundation
import ModelFixtures
import Testing

/// What `moec runs` lists.
extension RunFolderTests {
  @Test func whatIsWrongWithALogIsSaid() throws {
    #expect(try train("--steps 2 --run 'a\nb'").status == 0)
    for (name, text) in [("junk", "junk\n"), ("empty", "")] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/runs/\(name)", withIntermediateDirectories: true)
      try text.write(
        toFile: "\(folder)/runs/\(name)/log.jsonl", atomically: true, encoding: .utf8)
    }
    let result = try moec("runs")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 4 && lines[1].hasPrefix("runs/a\\nb "), "\(lines)")
    #expect(
      result.errors == "note: runs/junk/log.jsonl:1: not a line of a training log: "
        + "it is no JSON object\n")
  }

  @Test func runsAreListedWithTheBestFirst() throws {
    #expect(try moec("runs").errors.contains("error: there is no folder runs\nhint: "))
    #expect(try train("--steps 2 --run poor --learning-rate 0.000001").status == 0)
    #expect(try train("--steps 40 --run good --learning-rate 0.1").status == 0)
    try FileManager.default.createDirectory(
      atPath: "\(folder)/runs/no-run", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(
      atPath: "\(folder)/runs/odd", withIntermediateDirectories: true)
    try "junk".write(toFile: "\(folder)/runs/odd/log.jsonl", atomically: true, encoding: .utf8)
    let lines = try moec("runs").output.split(separator: "\n")
    #expect(lines.map { $0.prefix { $0 != " " } } == ["run", "runs/good", "runs/poor", "runs/odd"])
    #expect(lines[1].hasSuffix(" 40"), "\(lines)")
    let json = try JSONSerialization.jsonObject(with: Data(try moec("runs --json").output.utf8))
    let runs = try #require(json as? [[String: Any]])
    #expect(runs.map { $0["run"] as? String } == ["runs/good", "runs/poor", "runs/odd"])
    #expect(runs[0]["steps"] as? Int == 40)
  }

  /// What `moec runs` prints can be given to `moec plot`, and so can the folder of all.
  @Test func runsAreDrawnByTheirFolders() throws {
    for name in ["one", "two"] { #expect(try train("--steps 2 --run \(name)").status == 0) }
    for (words, head) in [
      ("runs/one", "| step | one |"), ("runs", "| step | one | two |"),
      ("runs/two/ --label 2", "| step | 2 |"),
    ] {
      let result = try moec("plot \(words) -o x.svg --table")
      #expect(result.output.hasPrefix(head), "\(result)")
    }
    #expect(try moec("plot . -o x.svg").errors.contains("no run in . has a log"))
  }

  /// A new folder has no Data, where the usual text is.
  @Test func weightsAreNamedThatSayWhichCharactersThereAre() throws {
    #expect(try train("--steps 2 --run bigram").status == 0)
    let result = try moec("run libbigram.so --generate")
    #expect(result.status == 1)
    #expect(
      result.errors.contains("neither weights nor a text say what characters there are"),
      "\(result.errors)")
    #expect(result.errors.contains("--weights runs/bigram/weights.safetensors"))
    #expect(result.errors.contains("hint: name the weights with --weights FILE, a tokenizer"))
  }

  /// Completion leads into a folder of one run, and leaves a slash.
  @Test func oneRunIsListedByItsOwnFolder() throws {
    #expect(try train("--steps 2 --run one").status == 0)
    for (folder, run) in [
      ("runs/one", "runs/one"), ("runs/one/", "runs/one"), ("runs/", "runs/one"),
    ] {
      let lines = try moec("runs \(folder)").output.split(separator: "\n")
      #expect(lines.count == 2 && lines.last?.hasPrefix("\(run) ") == true, "\(lines)")
    }
  }
}
