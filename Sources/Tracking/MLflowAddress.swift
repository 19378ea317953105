import Foundation

/// A server's address as it was given: what to call and as whom.
///
/// Names and passwords are taken from the address, or else from the environment as every client of
/// MLflow takes them: `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, or
/// `MLFLOW_TRACKING_TOKEN`.
struct MLflowAddress: Sendable {
  /// Without a name and a password.
  let url: URL
  /// For people and journals: a password is `***`.
  let shown: String
  /// The value of the header that says who calls; nil for nobody.
  let authorization: String?

  /// What stands for a password that is not shown; it is none.
  static let hidden = "***"

  /// Errors: the address is none of `http` or `https`.
  init(_ text: String, environment: [String: String]) throws(MLflowError) {
    guard var parts = URLComponents(string: text), let scheme = parts.scheme,
      parts.host?.isEmpty == false, ["http", "https"].contains(scheme)
    else { throw .badAddress(text) }
    let given = parts.password == Self.hidden ? nil : parts.password
    authorization = Self.authorization(user: parts.user, password: given, environment)
    (parts.user, parts.password) = (nil, nil)
    guard let url = parts.url else { throw .badAddress(text) }
    self.url = url
    shown = Self.redacted(text)
  }

  private static func authorization(
    user: String?, password: String?, _ environment: [String: String]
  ) -> String? {
    func variable(_ name: String) -> String? {
      environment["MLFLOW_TRACKING_" + name].flatMap { $0.isEmpty ? nil : $0 }
    }
    if let user = user ?? variable("USERNAME"), let password = password ?? variable("PASSWORD") {
      return "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
    }
    return variable("TOKEN").map { "Bearer \($0)" }
  }

  /// The text with its password, if it has one, as `***`; no matter whether it is an address.
  static func redacted(_ text: String) -> String {
    if let parts = URLComponents(string: text), parts.host != nil, parts.password == nil {
      return text
    }
    guard let at = text.lastIndex(of: "@") else { return text }
    let start = text.range(of: "://")?.upperBound ?? text.startIndex
    guard start < at, let colon = text[start..<at].firstIndex(of: ":") else { return text }
    return text[...colon] + hidden + text[at...]
  }
}
