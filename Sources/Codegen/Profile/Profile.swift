import GraphIR
import Planning

/// Generated files with a look at the clock before and after every kernel call, for `moec bench`.
///
/// The files that a compiled library carries are taken as they are; a line is added above and below
/// each call. What users compile and run has no trace of this.
public struct ProfiledModel: Sendable {
  /// A call in the generated C.
  public struct Site: Hashable, Sendable {
    /// The layer's index in the plan, and the index among its calls of a phase.
    public var layer: Int
    public var phase: Phase
    public var call: Int

    /// The C function that is called.
    public var kernel: String

    /// Where the call stands in the generated file.
    public var file: String
    public var line: Int

    /// The lines of C that it takes.
    public var code: [String]
  }

  /// The calls, each at the number under which the clock reports it.
  public var sites: [Site] = []

  /// The number under which the optimizer's step is reported; nil where it is no call of its own.
  public var updateSite: Int?

  /// Where the optimizer's function begins in adamw.c.
  public var updateLine = 1

  /// All files, and the recorder's.
  public var files: [GeneratedFile]

  /// The names of the C sources.
  public var sources: [String] { files.map(\.path).filter { $0.hasSuffix(".c") } }

  /// Marks the calls of `plan` in the files that were generated for it.
  ///
  /// - Throws: `ProfileMismatch` if a call is not where this generator would have written it.
  public init(_ plan: Plan, files: [GeneratedFile]) throws(ProfileMismatch) {
    // Sources carry themselves; this variant is nobody's to keep.
    self.files = files.filter { $0.path != SourceArchive.path }
    let context = Context(plan, .init(sourceName: ""))
    for layer in plan.layers.indices { try mark(LayerFile(context, layer: layer)) }
    markUpdate(site: sites.count)
    self.files += ProfileRecorder.files
  }
}

/// The C is not what this version of moec generates from its plan.
public struct ProfileMismatch: Error, Equatable {
  public var file: String
}

extension ProfiledModel {
  private mutating func mark(_ layer: LayerFile) throws(ProfileMismatch) {
    let path = "\(layer.layer.name).c"
    guard let index = files.firstIndex(where: { $0.path == path }) else {
      throw ProfileMismatch(file: path)
    }
    var text = MarkedText(files[index].text)
    for phase in [Phase.forward, .backward] {
      for (number, lines) in layer.lines(phase).enumerated() {
        if lines.isEmpty { continue }
        guard let line = text.mark(lines, site: sites.count) else {
          throw ProfileMismatch(file: path)
        }
        sites.append(
          Site(
            layer: layer.index, phase: phase, call: number,
            kernel: Self.calledFunction(lines.joined(separator: " ")), file: path, line: line,
            code: lines))
      }
    }
    files[index].text = text.result
  }

  private mutating func markUpdate(site: Int) {
    guard let index = files.firstIndex(where: { $0.path == "training.c" }) else { return }
    var text = MarkedText(files[index].text)
    while text.mark(startingWith: "model_update(", site: site) != nil { updateSite = site }
    files[index].text = text.result
    let update = files.first { $0.path == "adamw.c" }?.text.split(
      separator: "\n", omittingEmptySubsequences: false)
    updateLine = (update?.firstIndex { $0.hasPrefix("void model_update(") } ?? 0) + 1
  }

  /// The first function that a statement calls.
  static func calledFunction(_ statement: String) -> String {
    let words: Set<String> = ["for", "if", "sizeof", "size_t", "while", "switch", "return"]
    var name = ""
    for character in statement {
      if character.isLetter || character.isNumber || character == "_" {
        name.append(character)
      } else if character == "(", !name.isEmpty, !words.contains(name) {
        return name
      } else {
        name = ""
      }
    }
    return statement
  }
}

/// A C file into which marks are put.
private struct MarkedText {
  private let lines: [Substring]
  private var sites: [Int: (site: Int, end: Int)] = [:]

  init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  /// Marks the first occurrence of a call's lines that has no mark; gives its line's number, from 1.
  mutating func mark(_ call: [String], site: Int) -> Int? {
    let wanted = call.map { $0[...].trimmed }
    let start = lines.indices.first { start in
      sites[start] == nil && start + wanted.count <= lines.count
        && zip(lines[start...], wanted).allSatisfy { $0.trimmed == $1 }
    }
    return start.map { mark($0..<$0 + call.count, site: site) }
  }

  /// Marks the first statement that starts so and has no mark.
  mutating func mark(startingWith beginning: String, site: Int) -> Int? {
    let start = lines.indices.first {
      sites[$0] == nil && lines[$0].trimmed.hasPrefix(beginning)
    }
    guard let start, let end = lines.indices[start...].first(where: { lines[$0].hasSuffix(";") })
    else { return nil }
    return mark(start..<end + 1, site: site)
  }

  private mutating func mark(_ statement: Range<Int>, site: Int) -> Int {
    sites[statement.lowerBound] = (site, statement.upperBound)
    return statement.lowerBound + 1
  }

  var result: String {
    var marked: [Substring] = ["#include \"\(ProfileRecorder.header)\""]
    var ends: [Int: Int] = [:]
    for (index, line) in lines.enumerated() {
      if let site = ends[index] { marked.append("    moec_profile_end(\(site));") }
      if let (site, end) = sites[index] {
        marked.append("    moec_profile_begin(\(site));")
        ends[end] = site
      }
      marked.append(line)
    }
    return marked.joined(separator: "\n")
  }
}
