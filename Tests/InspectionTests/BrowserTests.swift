import CompiledModels
import Foundation
import ModelFixtures
import Testing

@testable import Inspection

@Suite(
  "The page in a browser", .serialized,
  .enabled(if: Browser.path != nil, "\(Browser.absence)"))
struct BrowserTests {
  private let script: String

  init() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("browser.js")
    script = try String(contentsOf: file, encoding: .utf8)
  }

  private func expectAllWell(
    _ results: String, at location: SourceLocation = #_sourceLocation
  ) {
    let lines = results.split(separator: "\n")
    let failed = lines.filter { !$0.hasPrefix("ok ") }
    #expect(failed.isEmpty, "\(failed.joined(separator: "\n"))", sourceLocation: location)
    #expect(lines.count > 50, "\(results)", sourceLocation: location)
  }

  @Test("pointing, keys, map, files and theme do what they should")
  func desktop() throws {
    let page = try ModelPage(InspectedModel(library: Moec.makemoe().library)).page.html
    let path = try Browser.write(page, adding: script)
    expectAllWell(try Browser.text(of: "results", in: path))
  }

  @Test("the same at the width of a phone")
  func phone() throws {
    let library = try InspectionLibrary.path.get()
    let bench = try InspectionLibrary.bench.get()
    let page = try ModelPage(InspectedModel(library: library), bench: bench).page.html
    let path = try Browser.framed(try Browser.write(page, adding: script))
    expectAllWell(try Browser.text(of: "results", in: path))
  }

  @Test("makemoe's page is drawn within a second, and is small")
  func isQuick() throws {
    let page = try ModelPage(InspectedModel(library: Moec.makemoe().library)).page.html
    #expect(page.utf8.count < 1_000_000)
    let path = try Browser.write(
      page,
      adding: """
        drawMap();
        document.body.getBoundingClientRect();
        document.body.insertAdjacentHTML("beforeend", `<pre id="time">${performance.now()}</pre>`);
        """)
    let times = try (0..<3).map { _ in
      try #require(Double(try Browser.text(of: "time", in: path, inRealTime: true)))
    }
    #expect((times.min() ?? .infinity) < 1000, "\(times) ms")
  }
}
