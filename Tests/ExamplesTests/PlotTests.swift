import Foundation
import ModelFixtures
import Testing

/// Docs/plot_curve.py, with which the pictures in the README are drawn.
@Suite(.enabled(if: hasPython, "there is no python3"))
struct PlotTests {
  @Test func drawsLogsAndPublishedPoints() throws {
    let folder = try ModelFixture.folder()
    try """
    {"step":0,"train_loss":5.25,"val_loss":5.26,"seconds":0.1,"tokens":0}
    {"step":100,"train_loss":2.5,"val_loss":2.75,"seconds":2.0,"tokens":51200}
    {"step":199,"train_loss":2.25,"val_loss":2.5,"seconds":3.9,"tokens":101888}
    """.write(toFile: "\(folder)/log.jsonl", atomically: true, encoding: .utf8)
    let arguments = [
      "a & b=log.jsonl", "--published",
      "published=\(root)/Docs/published-dropless.csv", "-o", "curve.svg", "--table",
    ]
    let plot = try plot(arguments, in: folder)
    #expect(plot.status == 0, "\(plot.errors)")
    #expect(plot.output.contains("\n| 100 | 2.5000 / 2.7500 | 2.7351 / 2.7429 |\n"))
    let svg = try String(contentsOfFile: "\(folder)/curve.svg", encoding: .utf8)
    #expect(svg.components(separatedBy: "<polyline ").count - 1 == 2)
    #expect(svg.components(separatedBy: "<circle ").count - 1 == 18)
    #expect(svg.contains("a &amp; b: training (thin) 2.250, validation 2.500"))
    let parse = "import sys, xml.dom.minidom as d; d.parse(sys.argv[1])"
    let parser = try Command.shell(#"python3 -c "$@""#, [parse, "\(folder)/curve.svg"])
    #expect(parser.status == 0, "not XML: \(parser.errors)")
    _ = try self.plot(arguments, in: folder)
    #expect(try String(contentsOfFile: "\(folder)/curve.svg", encoding: .utf8) == svg)
  }

  @Test(arguments: ["", "{}", "not json", #"{"step":1}"#])
  func refusesWhatIsNoLog(text: String) throws {
    let folder = try ModelFixture.folder()
    try text.write(toFile: "\(folder)/log.jsonl", atomically: true, encoding: .utf8)
    let plot = try plot(["x=log.jsonl", "-o", "curve.svg"], in: folder)
    #expect(plot.status == 1)
    #expect(plot.errors.hasPrefix("error: log.jsonl"))
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/curve.svg"))
  }

  private func plot(_ arguments: [String], in folder: String) throws -> Command {
    try Command.shell(
      #"python3 "$@""#, ["\(root)/Docs/plot_curve.py"] + arguments, in: folder)
  }
}
