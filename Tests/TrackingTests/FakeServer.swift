import Foundation
import ModelFixtures

/// A small HTTP server on loopback that keeps what it is asked and answers as it is told.
final class FakeServer: @unchecked Sendable {
  struct Request: Equatable, Sendable {
    var method: String
    var path: String
    var body: String
    /// The header that says who asks.
    var authorization: String?
  }

  /// What is sent back; nil closes the connection without a word.
  typealias Answer = @Sendable (Request, _ number: Int) -> (status: Int, body: String)?

  let port: Int
  private let descriptor: Int32
  private let lock = NSLock()
  private var kept: [Request] = []
  private let answer: Answer

  var address: String { "http://127.0.0.1:\(port)" }
  var requests: [Request] { lock.withLock { kept } }

  /// Listens on a free port, or on `port`.
  init(port wanted: Int = 0, _ answer: @escaping Answer) throws {
    self.answer = answer
    #if canImport(Glibc)
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var yes: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    place.sin_port = UInt16(wanted).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isBound, listen(descriptor, 16) == 0 else { throw POSIXError(.EADDRINUSE) }
    port = Int(UInt16(bigEndian: place.sin_port))
    Thread { [self] in serve() }.start()
  }

  /// No more connections.
  func stop() {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  private func serve() {
    while true {
      let connection = accept(descriptor, nil, nil)
      if connection < 0 { return }
      Thread { [self] in
        handle(connection)
        close(connection)
      }.start()
    }
  }

  /// One request for each connection.
  private func handle(_ connection: Int32) {
    guard let request = read(connection) else { return }
    let number = lock.withLock {
      kept.append(request)
      return kept.count - 1
    }
    guard let (status, body) = answer(request, number) else { return }
    let text =
      "HTTP/1.1 \(status) Answer\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
    _ = Array(text.utf8).withUnsafeBytes {
      send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
  }

  private func read(_ connection: Int32) -> Request? {
    var data = Data()
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      if let end = data.range(of: Data("\r\n\r\n".utf8)) {
        let head = String(decoding: data[..<end.lowerBound], as: UTF8.self)
        let length =
          head.lowercased().firstMatch(of: /content-length: (\d+)/)
          .flatMap { Int($0.1) } ?? 0
        if data.count - end.upperBound >= length {
          let words = head.split(separator: " ")
          return Request(
            method: String(words[0]), path: String(words[1]),
            body: String(decoding: data[end.upperBound...], as: UTF8.self),
            authorization: head.firstMatch(of: /(?i)\r\nauthorization: ([^\r]*)/)
              .map { String($0.1) })
        }
      }
      let count = recv(connection, &buffer, buffer.count, 0)
      if count <= 0 { return nil }
      data += buffer.prefix(count)
    }
  }
}

/// Answers as an MLflow server with one experiment does.
func mlflowAnswer(_ request: FakeServer.Request) -> (status: Int, body: String) {
  if request.path.contains("get-by-name") {
    return (404, #"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"none"}"#)
  }
  if request.path.hasSuffix("experiments/create") { return (200, #"{"experiment_id":"7"}"#) }
  if request.path.contains("runs/create") || request.path.contains("runs/get?") {
    return (
      200, #"{"run":{"info":{"run_id":"r1","artifact_uri":"mlflow-artifacts:/7/r1/artifacts"}}}"#
    )
  }
  return (200, "{}")
}
