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
}
