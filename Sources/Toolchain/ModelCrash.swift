import Foundation

/// What there is to say of a model's program that a signal ended: why, and at which of its lines.
///
/// Swift's runtime follows the crash and prints frames, of which the first one in the model's files
/// is what its author wants to see; the rest is about Swift and moec.
struct ModelCrash: Equatable {
  /// `model.swift:17:20`, if a frame tells.
  var place: String?
  var reason: String
  var hint: String

  /// What the model printed, without the frames.
  var messages: String

  /// Asks the runtime for frames in a form without colours and questions.
  static let environment = [
    "SWIFT_BACKTRACE":
      "enable=yes,color=no,interactive=no,threads=crashed,registers=none,images=none,"
      + "limit=64,output-to=stderr,sanitize=no"
  ]

  /// Reads the output of the program of a model; nil if no signal ended it.
  ///
  /// - Parameter paths: the paths of the model's files.
  init?(status: Int32, output: String, paths: [String]) {
    guard status > 128 else { return nil }
    let lines = output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let report = lines.firstIndex { $0.hasPrefix("*** Signal ") || $0 == "Current stack trace:" }
    let said = lines[..<(report ?? lines.count)].filter { !$0.hasPrefix("swift runtime: ") }
    let frames = Array(lines[(report ?? lines.count)...])
    place =
      frames.lazy.compactMap { frame in
        paths.lazy.compactMap { Self.place(in: frame, of: $0) }.first
      }.first
    let depth = frames.compactMap { Int($0.prefix { $0.isNumber }) }.max() ?? 0
    (reason, hint) = Self.explanation(
      signal: status - 128, fatal: said.last { $0.contains(Self.fatal) }, frames, depth: depth)
    messages = said.filter { !$0.contains(Self.fatal) }.joined(separator: "\n")
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static let fatal = "Fatal error"

  private static func explanation(
    signal: Int32, fatal: String?, _ frames: [String], depth: Int
  ) -> (reason: String, hint: String) {
    let hint = "this is the model's own code, which failed before its graph was whole"
    if let fatal, let start = fatal.range(of: Self.fatal) {
      let text = fatal[start.upperBound...].drop { $0 == ":" || $0 == " " }
      return (text.isEmpty ? "a fatal error" : String(text), hint)
    }
    if depth > 1000 {
      return (
        "a function calls itself without an end, \(depth) calls deep",
        "let it come to an end before it calls itself again"
      )
    }
    let marker = "Swift runtime failure: "
    if let line = frames.first(where: { $0.contains(marker) }),
      let start = line.range(of: marker)?.upperBound
    {
      let text = line[start...]
      return (String(text[..<(text.range(of: " in ")?.lowerBound ?? text.endIndex)]), hint)
    }
    if signal == SIGKILL {
      return ("it was killed", "the system does so when memory runs out: make the model smaller")
    }
    return (String(cString: strsignal(signal)).lowercased(), hint)
  }

  /// The place at the end of a frame's line, if it is in the model's file.
  private static func place(in frame: String, of path: String) -> String? {
    let name = "/" + URL(fileURLWithPath: path).lastPathComponent + ":"
    guard let at = frame.range(of: " at ", options: .backwards),
      let file = frame[at.upperBound...].range(of: name)
    else { return nil }
    let numbers = frame[file.upperBound...].split(separator: ":").compactMap { Int($0) }
    return numbers.count == 2 ? "\(path):\(numbers[0]):\(numbers[1])" : nil
  }
}
