import Foundation
import ModelFixtures
import Testing

/// Pictures are what the commands of their pages draw today of the logs that are in Docs.
@Suite struct PlotTests {
  @Test(
    "A page's picture is drawn by its command",
    arguments: [("README.md", "curve.svg"), ("Docs/hugging-face.md", "upcycled.svg")])
  func picturesAreDrawn(_ page: String, _ name: String) throws {
    let text = try String(contentsOfFile: "\(root)/\(page)", encoding: .utf8)
    let match = try #require(text.firstMatch(of: /moec (plot .*)\n/))
    let output = try ModelFixture.folder() + "/" + name
    let words = match.output.1.split(separator: " ")
      .map { $0 == name ? output : String($0) }
    #expect(words.contains(output))
    let plot = try Command.moec(words, in: root)
    #expect(plot.status == 0, "\(plot.errors)")
    let picture = "\(root)/Docs/\(name)"
    if ProcessInfo.processInfo.environment["MOEC_RECORD"] != nil {
      try Data(contentsOf: URL(fileURLWithPath: output)).write(to: URL(fileURLWithPath: picture))
      Issue.record("recorded Docs/\(name); run again without MOEC_RECORD")
      return
    }
    #expect(
      FileManager.default.contentsEqual(atPath: output, andPath: picture),
      "MOEC_RECORD=1 swift test --filter PlotTests")
    for row in plot.output.split(separator: "\n").dropFirst(2) {
      #expect(text.contains(row), "the table of \(page) lacks \(row)")
    }
  }
}
