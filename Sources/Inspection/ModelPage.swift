import Benchmark
import CPages
import Foundation
import GraphIR
import Page
import Planning

/// `moec inspect --html`: source, graph, C and memory of a compiled model, side by side.
public struct ModelPage: Sendable {
  let model: InspectedModel
  private(set) var facts: PageFacts

  /// Collects what a page of a library shows.
  ///
  /// - Parameter bench: a file that `moec bench --json` printed.
  public init(_ model: InspectedModel, bench: String? = nil) throws(BenchFileError) {
    self.model = model
    let graph = model.plan?.graph ?? model.carriedGraph
    facts = PageFacts(
      model: graph?.name ?? "model",
      sourceName: graph?.nodes.lazy.compactMap { $0.location?.file }.first ?? "model.swift")
    facts.addFiles(model.sources, layers: Self.layerNames(model, graph))
    if let plan = model.plan {
      facts.addLayers(plan)
      facts.addMemory(plan)
    } else if let graph {
      facts.addLooseNodes(graph)
    }
    facts.addSpans(model.sites)
    facts.addMarks(reaching: model.sites.isEmpty)
    if let bench { try addTimes(bench) }
  }

  private mutating func addTimes(_ path: String) throws(BenchFileError) {
    let report = try BenchmarkReport(file: path)
    guard let plan = model.plan, !model.sites.isEmpty else { throw .unknownCalls(path: path) }
    try facts.addTimes(of: report, path, plan)
  }

  /// Those of the plan; where it is not known, those of the files that quote the model.
  private static func layerNames(_ model: InspectedModel, _ graph: Graph?) -> [String] {
    if let plan = model.plan { return plan.layers.map(\.name) }
    let common: Set<String> = [
      "model.c", "interface.c", "creation.c", "tensors.c", "training.c", "evaluation.c", "adamw.c",
      "routes.c",
      "manifest.c", "sources.c",
    ]
    return model.sources.files.map(\.path)
      .filter { $0.hasSuffix(".c") && !common.contains($0) && !$0.contains("/") }
      .map { String($0.dropLast(2)) }
  }

  /// The page; the same library and the same measurements give the same bytes.
  public var page: Page {
    Page(
      title: facts.model, subtitle: subtitle,
      body: [notice, totals, Self.text(inspect_panes_html())].joined(separator: "\n"),
      styles: [inspect_css(), inspect_search_css(), inspect_memory_css()].map(Self.text),
      scripts: [
        inspect_text_js(), inspect_model_js(), inspect_panes_js(), inspect_memory_js(),
        inspect_details_js(), inspect_places_js(), inspect_search_js(), inspect_split_js(),
        inspect_js(),
      ].map(Self.text),
      data: [.init(name: "facts", json: json)])
  }

  private static func text(_ carried: UnsafePointer<CChar>?) -> String {
    carried.map { String(cString: $0) } ?? ""
  }

  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Facts are names, texts and finite numbers; nothing of them can fail to be encoded.
    guard let data = try? encoder.encode(facts) else { return "{}" }
    return String(decoding: data, as: UTF8.self)
  }

  private var notice: String {
    model.notice.map {
      HTML.element("p", ["class": "notice", "role": "note"], HTML.escaped($0))
    } ?? ""
  }

  private var subtitle: String {
    let source = HTML.element("code", HTML.escaped(facts.sourceName))
    guard let graph = model.plan?.graph ?? model.carriedGraph else { return source }
    let named = [
      ("batch", graph.batch), ("context", graph.context), ("vocabulary", graph.vocabulary),
    ]
    let axes = named.map { "\($0.0) \(HTML.escaped($0.1.description)) = \($0.1.size)" }
    return ([source] + axes).joined(separator: " · ")
  }
}

extension InspectedModel {
  /// The graph that the library carries, if this moec can read it.
  var carriedGraph: Graph? {
    guard let text = sources["graph.txt"]?.text else { return nil }
    return try? Graph(parsing: text)
  }
}
