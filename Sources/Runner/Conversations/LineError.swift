import JSON
import SystemFiles

/// Why a line of JSON is no conversation or no question.
public struct LineError: ExplainedError, Equatable {
  public var path: String
  /// From 1.
  public var line: Int
  public var reason: Reason

  /// What is wrong with a line, and what to do about it.
  public struct Reason: Error, Equatable, Sendable {
    public var text: String
    public var hint: String

    public init(_ text: String, hint: String) {
      self.text = text
      self.hint = hint
    }
  }

  public var message: String { "\(path):\(line): \(reason.text)" }
  public var hint: String { reason.hint }
}

/// The lines of a file, each a JSON object.
struct JSONLines {
  let path: String
  private let bytes: [UInt8]

  /// Errors: unreadable, UTF-16, empty.
  init(path: String) throws(CorpusError) {
    self.path = path
    bytes = try CorpusText.text(of: path)
    if bytes.allSatisfy({ $0 == 0x20 || $0 == 0xa || $0 == 0xd }) { throw .empty(path: path) }
  }

  /// Hands over the object of each line. Errors: the first line that is none, or that `body` refuses.
  func forEach(_ body: (JSON, _ line: Int) throws(LineError.Reason) -> Void) throws(LineError) {
    var (start, line) = (0, 1)
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: 0xa) ?? bytes.count
      do throws(LineError.Reason) {
        try body(try Self.object(Array(bytes[start..<end])), line)
      } catch {
        throw LineError(path: path, line: line, reason: error)
      }
      (start, line) = (end + 1, line + 1)
    }
  }

  private static func object(_ bytes: [UInt8]) throws(LineError.Reason) -> JSON {
    if bytes.allSatisfy({ $0 == 0x20 || $0 == 0xd || $0 == 0x9 }) {
      throw .init("the line is empty", hint: "take empty lines out: each line is a JSON object")
    }
    do throws(JSON.Failure) {
      let value = try JSON.parse(bytes)
      guard case .object = value else {
        throw JSON.Failure(offset: 0, reason: "it is \(value.kind)")
      }
      return value
    } catch {
      throw error == .notUTF8
        ? .init("the line is not UTF-8", hint: "convert the file to UTF-8, for instance with iconv")
        : .init(
          "the line is no JSON object: \(error.reason), at byte \(error.offset + 1)",
          hint: "each line is one JSON object, as json.dumps of Python writes it")
    }
  }
}
