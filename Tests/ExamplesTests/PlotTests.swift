import Foundation
import ModelFixtures
import Testing

/// The picture in the README is what its command draws today of the log that is in Docs.
@Suite struct PlotTests {
  @Test func theReadmesPictureIsDrawnByItsCommand() throws {
    let readme = try String(contentsOfFile: "\(root)/README.md", encoding: .utf8)
    let match = try #require(readme.firstMatch(of: /swift run moec (plot .*)\n/))
    let output = try ModelFixture.folder() + "/curve.svg"
    let words = match.output.1.split(separator: " ")
      .map { $0 == "curve.svg" ? output : String($0) }
    #expect(words.contains(output))
    let plot = try Command.moec(words, in: root)
    #expect(plot.status == 0, "\(plot.errors)")
    let picture = "\(root)/Docs/curve.svg"
    if ProcessInfo.processInfo.environment["MOEC_RECORD"] != nil {
      try Data(contentsOf: URL(fileURLWithPath: output)).write(to: URL(fileURLWithPath: picture))
      Issue.record("recorded Docs/curve.svg; run again without MOEC_RECORD")
      return
    }
    #expect(
      FileManager.default.contentsEqual(atPath: output, andPath: picture),
      "MOEC_RECORD=1 swift test --filter PlotTests")
    for row in plot.output.split(separator: "\n").dropFirst(2) {
      #expect(readme.contains(row), "the README's table lacks \(row)")
    }
  }
}
