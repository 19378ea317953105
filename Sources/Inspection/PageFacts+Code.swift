import Codegen
import GraphIR
import ModelRuntime
import Planning

extension PageFacts {
  /// The carried files, layers' C first, and where functions are defined in them.
  mutating func addFiles(_ sources: EmbeddedSources, layers: [String]) {
    let own = Set(layers.map { "\($0).c" })
    let ordered =
      sources.files.filter { own.contains($0.path) }
      + sources.files.filter { !own.contains($0.path) }
    files = ordered.map { File(path: $0.path, text: $0.text, isLayer: own.contains($0.path)) }
    for index in files.indices where Self.isC(files[index].path) {
      functions += CDefinitions(files[index].text).found.map { found in
        Function(name: found.name, file: index, first: found.first, last: found.last)
      }
    }
  }

  static func isC(_ path: String) -> Bool { path.hasSuffix(".c") || path.hasSuffix(".h") }

  /// The lines of C that the plan's calls are.
  mutating func addSpans(_ sites: [ProfiledModel.Site]) {
    for site in sites {
      guard let file = files.firstIndex(where: { $0.path == site.file }),
        layers.indices.contains(site.layer)
      else { continue }
      let layer = layers[site.layer]
      let call = (site.phase == .forward ? layer.forward : layer.backward)[site.call]
      calls[call].kernel = site.kernel
      spans.append(
        Span(
          file: file, first: site.line, last: site.line + site.code.count - 1, call: call,
          source: nil))
    }
  }

  /// The comments above calls that quote the model; `reaching`: with the lines below them, up to
  /// the next empty one.
  mutating func addMarks(reaching: Bool) {
    let beginning = "// \(sourceName.onOneLine):"
    for (index, file) in files.enumerated() where Self.isC(file.path) {
      let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
      for (number, line) in lines.enumerated() {
        let text = line.drop { $0 == " " }
        guard text.hasPrefix(beginning), line.count > text.count,
          let source = Int(text.dropFirst(beginning.count).prefix { $0.isNumber })
        else { continue }
        let rest = lines[number...].firstIndex { $0.isEmpty || $0.hasPrefix("}") }
        let last = reaching ? rest ?? number + 1 : number + 1
        spans.append(
          Span(file: index, first: number + 1, last: last, call: nil, source: source))
      }
    }
  }
}

/// The functions that a C file defines, as moec writes and formats C: a definition begins at the
/// first column and ends with a brace there.
struct CDefinitions {
  struct Definition: Hashable {
    var name: String
    var first: Int
    var last: Int
  }

  private(set) var found: [Definition] = []

  init(_ text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    var next = 0
    while next < lines.count {
      let first = next
      next += 1
      if let name = Self.defined(by: lines[first]),
        let last = lines[first...].firstIndex(where: { $0.hasSuffix(")") })
      {
        found.append(Definition(name: name, first: first + 1, last: last + 1))
        next = last + 1
        continue
      }
      guard let name = Self.name(lines[first]),
        let head = lines[first...].firstIndex(where: { Self.ends($0) }),
        !lines[head].hasSuffix(";")
      else { continue }
      let isWhole = lines[head].hasSuffix("}")
      let last = isWhole ? head : lines[head...].firstIndex { $0.hasPrefix("}") } ?? head
      found.append(Definition(name: name, first: first + 1, last: last + 1))
      next = last + 1
    }
  }

  private static func ends(_ line: Substring) -> Bool {
    line.hasSuffix("{") || line.hasSuffix(";") || line.hasSuffix("}")
  }

  /// What a macro of the kernels defines: `FINISH(finish_relu, y < 0 ? 0 : y)`.
  private static func defined(by line: Substring) -> String? {
    let macro = ["FINISH(", "ELEMENTWISE(", "ELEMENTWISE_ROWS("].first(where: line.hasPrefix)
    return macro.map { String(line.dropFirst($0.count).prefix { $0 != "," }) }
  }

  /// The word before the first parenthesis of a line that could begin a definition.
  private static func name(_ line: Substring) -> String? {
    guard let start = line.first, start.isLetter, let end = line.firstIndex(of: "(") else {
      return nil
    }
    let words = line[..<end].split { !($0.isLetter || $0.isNumber || $0 == "_") }
    guard words.count > 1, let name = words.last, line[..<end].hasSuffix(name),
      !["typedef", "struct", "enum", "_Static_assert"].contains(words[0])
    else { return nil }
    return String(name)
  }
}
