import CPages
import Foundation
import Testing

/// What moec carries for its pages is what stands in the files of `CPages`, all of them.
@Suite struct PageFileTests {
  private var carried: [(path: String, text: UnsafePointer<CChar>?)] {
    [
      ("page/page.css", page_css()),
      ("page/page.js", page_js()),
      ("charts/chart.css", chart_css()),
      ("charts/view.js", chart_view_js()),
      ("charts/chart.js", chart_js()),
      ("routes/routes.css", routes_css()),
      ("routes/routes.html", routes_html()),
      ("routes/routes.js", routes_js()),
      ("search/search.css", search_css()),
      ("search/plots.js", search_plots_js()),
      ("search/search.js", search_js()),
      ("inspection/panes.html", inspect_panes_html()),
      ("inspection/inspect.css", inspect_css()),
      ("inspection/search.css", inspect_search_css()),
      ("inspection/memory.css", inspect_memory_css()),
      ("inspection/text.js", inspect_text_js()),
      ("inspection/model.js", inspect_model_js()),
      ("inspection/panes.js", inspect_panes_js()),
      ("inspection/memory.js", inspect_memory_js()),
      ("inspection/details.js", inspect_details_js()),
      ("inspection/places.js", inspect_places_js()),
      ("inspection/search.js", inspect_search_js()),
      ("inspection/split.js", inspect_split_js()),
      ("inspection/inspect.js", inspect_js()),
    ]
  }

  @Test("Pages' files are those of their folders: none is left out, none is of an earlier build")
  func files() throws {
    let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Sources/CPages")
    let folders = ["charts", "inspection", "page", "routes", "search"]
    let paths = try folders.flatMap { folder in
      try FileManager.default.contentsOfDirectory(
        atPath: sources.appendingPathComponent(folder).path
      ).map { "\(folder)/\($0)" }
    }
    #expect(carried.map(\.path).sorted() == paths.sorted())
    for file in carried {
      let text = try String(contentsOf: sources.appendingPathComponent(file.path), encoding: .utf8)
      #expect(file.text.map { String(cString: $0) } == text, "\(file.path)")
    }
  }
}
