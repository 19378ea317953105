import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// An MLflow server's REST interface, version 2.0; each call waits for its answer.
struct MLflowServer {
  let address: MLflowAddress
  private let session: URLSession

  /// Errors: the address is none of `http` or `https`.
  init(
    _ text: String, timeout: Double = 10,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(MLflowError) {
    address = try MLflowAddress(text, environment: environment)
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = timeout
    session = URLSession(configuration: configuration)
  }

  func get(_ path: String, _ query: [String: String]) throws(MLflowError) -> [String: Any] {
    var parts = URLComponents(url: url(path), resolvingAgainstBaseURL: false)
    parts?.queryItems = query.map { URLQueryItem(name: $0.key, value: $0.value) }
    // A plus sign in a query is a space to a server.
    let encoded = parts?.percentEncodedQuery?.replacing("+", with: "%2B")
    parts?.percentEncodedQuery = encoded
    guard let full = parts?.url else { throw .badAddress(path) }
    return try object(try send(request(full, "GET")))
  }

  func post(_ path: String, _ body: some Encodable) throws(MLflowError) -> [String: Any] {
    var request = request(url(path), "POST")
    request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    guard let data = try? JSONEncoder.journal.encode(body) else {
      throw .refused(status: 0, code: "", message: "what is to be sent is no JSON")
    }
    request.httpBody = data
    return try object(try send(request))
  }

  /// Uploads a file to the server's own store of artifacts.
  func put(file: URL, to path: String) throws(MLflowError) {
    _ = try object(try send(upload(to: path), file: file))
  }

  /// Uploads bytes as a file.
  func put(_ data: Data, to path: String) throws(MLflowError) {
    var request = upload(to: path)
    request.httpBody = data
    _ = try object(try send(request))
  }

  private func upload(to path: String) -> URLRequest {
    var full = url("mlflow-artifacts/artifacts")
    for part in path.split(separator: "/") { full.appendPathComponent(String(part)) }
    var request = request(full, "PUT")
    request.timeoutInterval = 600
    request.setValue("application/octet-stream", forHTTPHeaderField: "Content-Type")
    return request
  }

  private func url(_ path: String) -> URL {
    address.url.appendingPathComponent("api/2.0").appendingPathComponent(path)
  }

  private func request(_ url: URL, _ method: String) -> URLRequest {
    var request = URLRequest(url: url)
    request.httpMethod = method
    if let authorization = address.authorization {
      request.setValue(authorization, forHTTPHeaderField: "Authorization")
    }
    return request
  }

  private func object(_ data: Data) throws(MLflowError) -> [String: Any] {
    if data.isEmpty { return [:] }
    guard let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
      throw .strange(String(decoding: data.prefix(100), as: UTF8.self))
    }
    return object
  }

  /// What the session's queue hands over to the thread that waits.
  private final class Answer: @unchecked Sendable {
    var data: Data?
    var response: URLResponse?
    var error: (any Error)?
    let isThere = DispatchSemaphore(value: 0)
  }

  private func send(_ request: URLRequest, file: URL? = nil) throws(MLflowError) -> Data {
    let answer = Answer()
    let handler: @Sendable (Data?, URLResponse?, (any Error)?) -> Void = { data, response, error in
      answer.data = data
      answer.response = response
      answer.error = error
      answer.isThere.signal()
    }
    let task: URLSessionTask
    if let file {
      task = session.uploadTask(with: request, fromFile: file, completionHandler: handler)
    } else {
      task = session.dataTask(with: request, completionHandler: handler)
    }
    task.resume()
    // The session's own limit is for silence; this one is for a server that trickles.
    if answer.isThere.wait(timeout: .now() + 3 * request.timeoutInterval) == .timedOut {
      task.cancel()
      throw .unreachable("it is too slow")
    }
    if let error = answer.error { throw .unreachable(error.localizedDescription) }
    return try checked(answer.data ?? Data(), answer.response)
  }

  private func checked(_ data: Data, _ response: URLResponse?) throws(MLflowError) -> Data {
    guard let status = (response as? HTTPURLResponse)?.statusCode else {
      throw .strange("no status")
    }
    if (200..<300).contains(status) { return data }
    if status == 429 || status >= 500 { throw .busy(status: status) }
    let reply = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
    throw .refused(
      status: status, code: reply?["error_code"] as? String ?? "",
      message: reply?["message"] as? String ?? String(decoding: data.prefix(200), as: UTF8.self))
  }
}
