import Foundation

/// Why something did not reach an MLflow server.
public enum MLflowError: Error, Equatable, CustomStringConvertible {
  /// The address is none.
  case badAddress(String)
  /// The buffer on disk cannot be opened.
  case journal(path: String, code: Int32)
  /// The file to send is not one that a run left.
  case notAJournal(path: String)
  /// No answer: away, too slow, or not to be trusted.
  case unreachable(String)
  /// The server cannot do it now.
  case busy(status: Int)
  /// The server will never do it.
  case refused(status: Int, code: String, message: String)
  /// An answer that MLflow would not give.
  case strange(String)

  /// Whether the same request may succeed later.
  var isPassing: Bool {
    switch self {
    case .unreachable, .busy, .strange: return true
    case .badAddress, .journal, .notAJournal, .refused: return false
    }
  }

  /// Whether it is about who asks, not about what is asked.
  public var isAboutAccess: Bool {
    if case .refused(let status, _, _) = self { return [401, 403, 407].contains(status) }
    return false
  }

  public var description: String {
    switch self {
    case .badAddress(let text):
      return
        "\(MLflowAddress.redacted(text)) is no address of an MLflow server: "
        + "give one like http://localhost:5000"
    case .journal(let path, let code):
      return "cannot open \(path): \(String(cString: strerror(code)))"
    case .notAJournal(let path):
      return "\(path) is no journal of moec"
    case .unreachable(let reason): return "it does not answer: \(reason)"
    case .busy(let status): return "it answers with status \(status)"
    case .refused(let status, let code, let message):
      // What was never asked, as it could not be, has no status.
      if status == 0 { return String(message.prefix(300)) }
      let place =
        isAboutAccess ? "; MLFLOW_TRACKING_USERNAME and _PASSWORD, or _TOKEN, say who asks" : ""
      return
        "it refuses (\(status)\(code.isEmpty ? "" : " \(code)")): \(message.prefix(300))\(place)"
    case .strange(let what): return "it does not answer as MLflow does: \(what.prefix(100))"
    }
  }
}
