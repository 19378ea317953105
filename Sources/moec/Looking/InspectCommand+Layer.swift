import Benchmark
import Codegen
import Driver
import GraphIR
import Inspection
import Lowering
import Planning
import Words

/// A layer for a reader: each op's formula, the C that it became, its operands, and the buffers.
struct LayerReport {
  private let layer: Layer
  private let uses: [LayerUse]
  private let sites: [ProfiledModel.Site]

  /// The scope below the layer to which the report is confined, with underscores; empty: all.
  private let part: String

  /// Finds `block`, `block.mixture` or `block.3.mixture`. Errors: no such layer, or nothing there.
  init(_ carried: CarriedPlan, path: String) throws {
    let plan = carried.plan
    var words = path.split(separator: ".").map(String.init)
    let name = words.isEmpty ? "" : words.removeFirst()
    guard let index = plan.layers.firstIndex(where: { $0.name == name }) else {
      throw CompilationError(
        message: "there is no layer \"\(name)\"",
        hint: Self.home(of: path, plan)
          ?? "the layers are \(plan.layers.map(\.name).joined(separator: ", "))")
    }
    layer = plan.layers[index]
    uses = plan.uses.filter { $0.layer == index }
    if let first = words.first, Int(first) != nil {
      let scopes = uses.map(\.scope)
      guard scopes.contains(where: { $0 == "\(name).\(first)" || $0.hasSuffix(".\(first)") }) else {
        throw CompilationError(
          message: "there is no \(name).\(first)",
          hint: "the layer \(name) is \(Self.few(scopes))")
      }
      words.removeFirst()
    }
    part = words.joined(separator: "_")
    sites = try Self.sites(carried).filter { $0.layer == index }
    guard sites.contains(where: isShown) else {
      let parts = Set((layer.forward + layer.backward).flatMap(\.scopes)).subtracting([""]).sorted()
      throw CompilationError(
        message: "\(name) has no part \"\(words.joined(separator: "."))\"",
        hint: parts.isEmpty
          ? "give the layer alone" : "its parts begin with \(parts.joined(separator: ", "))")
    }
  }

  /// What to give for a scope that is no layer of its own but a part of one.
  private static func home(of path: String, _ plan: Plan) -> String? {
    let part = path.split(separator: ".").joined(separator: "_")
    if part.isEmpty { return nil }
    let home = plan.layers.first { layer in
      (layer.forward + layer.backward).flatMap(\.scopes).contains {
        $0 == part || $0.hasPrefix(part + "_")
      }
    }
    return home.map { "it is a part of the layer \($0.name): give --layer \($0.name).\(path)" }
  }

  private static func sites(_ carried: CarriedPlan) throws -> [ProfiledModel.Site] {
    let files = carried.sources.files.map { GeneratedFile(path: $0.path, text: $0.text) }
    do {
      return try ProfiledModel(carried.plan, files: files).sites
    } catch {
      throw CompilationError(
        message: "\(error.file) in the library is not what this moec writes",
        hint: "compile the model again with this moec")
    }
  }

  private func call(_ site: ProfiledModel.Site) -> Call {
    site.phase == .forward ? layer.forward[site.call] : layer.backward[site.call]
  }

  private func isShown(_ site: ProfiledModel.Site) -> Bool {
    part.isEmpty || call(site).scopes.contains { $0 == part || $0.hasPrefix(part + "_") }
  }

  // MARK: - Text

  var text: String {
    let scopes = uses.map(\.scope).filter { !$0.isEmpty }
    let heading =
      "\(layer.name), used \(uses.count) "
      + (uses.count == 1 ? "time" : "times: \(Self.few(scopes))")
    let blocks = [heading] + [Phase.forward, .backward].map(calls) + [buffers]
    return blocks.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
  }

  /// All names; of many the first and the last.
  static func few(_ names: [String]) -> String {
    guard names.count > 8, let last = names.last else { return names.joined(separator: ", ") }
    return "\(names[0]), \(names[1]) … \(last)"
  }

  private func calls(_ phase: Phase) -> String {
    let shown = sites.filter { $0.phase == phase && isShown($0) }
    if shown.isEmpty { return "" }
    return ([phase.rawValue] + shown.map(block)).joined(separator: "\n\n")
  }

  private func block(_ site: ProfiledModel.Site) -> String {
    let call = call(site)
    var places: [String] = []
    for place in call.locations.map({ ", \($0.file):\($0.line)" }) where !places.contains(place) {
      places.append(place)
    }
    var lines = ["  \(title(call))\(places.joined())"]
    lines.append("    \(Formulas.formula(call))")
    for result in call.results { lines.append("    -> \(description(result))") }
    for input in call.inputs { lines.append("       \(description(input))") }
    lines.append("    \(site.file):\(site.line)")
    lines += site.code.map { "      \($0)" }
    return lines.joined(separator: "\n")
  }

  private func title(_ call: Call) -> String {
    let name = call.action.name
    let scopes = call.scopes.filter { !$0.isEmpty }
    return scopes.isEmpty ? name : "\(scopes.joined(separator: ", ")): \(name)"
  }

  private func description(_ operand: Operand) -> String {
    "\(operand.name) \(operand.type), \(operand.place.inWords)"
  }

  // MARK: - Buffers

  private var buffers: String {
    let saved = layer.saved.map {
      "  \($0.name) \($0.type), \($0.bytes.grouped) bytes at \($0.offset.grouped)"
    }
    let scratch = scratchLines(.forward) + scratchLines(.backward)
    let parts = [
      ["saved from forward to backward, each use its own"] + saved,
      ["scratch, with the calls between which each is in use"] + scratch,
    ]
    return parts.filter { $0.count > 1 }.map { $0.joined(separator: "\n") }
      .joined(separator: "\n\n")
  }

  private func scratchLines(_ phase: Phase) -> [String] {
    let calls = phase == .forward ? layer.forward : layer.backward
    let buffers = phase == .forward ? layer.forwardScratch : layer.backwardScratch
    return buffers.enumerated().map { index, buffer in
      let users = calls.indices.filter { number in
        calls[number].operands.contains { $0.place == .scratch(index) }
      }
      return "  \(phase.rawValue) \((users.first ?? 0) + 1) to \((users.last ?? 0) + 1): "
        + "\(buffer.name) \(buffer.type), \(buffer.bytes.grouped) bytes at \(buffer.offset.grouped)"
    }
  }
}
