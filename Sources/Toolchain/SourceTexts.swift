import Foundation

/// What a C compiler sees of sources: their text and that of all headers that they include from
/// beside them, line by line, without the comments.
///
/// Two sources with equal texts become equal objects, and warnings at equal lines.
struct SourceTexts {
  /// One file as the compiler sees it.
  private struct File {
    var digest: String
    var includes: [URL]
  }

  private let includeFolder: URL?
  /// By path; nil for a file that cannot be read, or whose object depends on more than is seen here.
  private var files: [String: File?] = [:]

  init(includeFolder: URL?) { self.includeFolder = includeFolder }

  /// Labelled digests of a source and all that it includes; nil if there is something unknown in it.
  mutating func inputs(of source: URL) -> [(label: String, value: Data)]? {
    var open = [source]
    var seen: Set<String> = []
    var inputs: [(label: String, value: Data)] = []
    while let next = open.popLast() {
      guard seen.insert(next.path).inserted else { continue }
      guard let file = file(next) else { return nil }
      inputs.append((next.lastPathComponent, Data(file.digest.utf8)))
      open += file.includes
    }
    return inputs
  }

  private mutating func file(_ url: URL) -> File? {
    if let known = files[url.path] { return known }
    let file = read(url)
    files[url.path] = file
    return file
  }

  private func read(_ url: URL) -> File? {
    guard let data = try? Data(contentsOf: url) else { return nil }
    let code = CComments.removed(from: Array(data))
    var includes: [URL] = []
    for line in String(decoding: code, as: UTF8.self).split(separator: "\n") {
      if line.contains(".incbin") || line.contains("__FILE__") { return nil }
      guard let name = Self.included(by: line) else { continue }
      guard let header = header(name, beside: url) else { return nil }
      includes.append(header)
    }
    return File(digest: ContentKey([("code", Data(code))]).digest, includes: includes)
  }

  private func header(_ name: String, beside file: URL) -> URL? {
    let folders = [file.deletingLastPathComponent()] + (includeFolder.map { [$0] } ?? [])
    return folders.map { $0.appendingPathComponent(name) }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }

  /// The name in `#include "name"`; nil for any other line. A system's headers are the compiler's.
  private static func included(by line: Substring) -> String? {
    guard line.hasPrefix("#") else { return nil }
    let words = line.split(separator: "\"", omittingEmptySubsequences: false)
    guard words.count == 3, words[0].filter({ $0 != " " }) == "#include" else { return nil }
    return String(words[1])
  }
}
