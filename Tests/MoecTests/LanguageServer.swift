import Foundation
import ModelFixtures

/// A language server that speaks over its standard input and output, asked one thing after another.
final class LanguageServer {
  typealias Message = [String: Any]

  /// It did not answer in time, or ended.
  struct Silence: Error, CustomStringConvertible {
    var waitedFor: String
    var description: String { "no answer from the language server to \(waitedFor)" }
  }

  private let program: StartedCommand
  private let input = Pipe()
  private var bytes: [UInt8] = []
  private var lastRequest = 0
  private let limit: Double

  /// Starts it in a folder; each answer may take `limit` seconds.
  init(_ program: String, in folder: String, limit: Double) throws {
    self.limit = limit
    self.program = try StartedCommand(program, [], in: folder, input: input)
  }

  /// Sends a message without waiting for anything.
  func tell(_ method: String, _ parameters: Message) throws {
    try send(["method": method, "params": parameters])
  }

  /// What it answers. Errors: it does not in time.
  func ask(_ method: String, _ parameters: Message) throws -> Any {
    lastRequest += 1
    let number = lastRequest
    try send(["id": number, "method": method, "params": parameters])
    let end = Date(timeIntervalSinceNow: limit)
    while let message = try receive(until: end) {
      if message["method"] == nil, message["id"] as? Int == number {
        return message["result"] ?? message["error"] ?? NSNull()
      }
      // What it asks in turn, such as leave to show progress, is granted.
      if message["method"] != nil, let id = message["id"] {
        try send(["id": id, "result": NSNull()])
      }
    }
    throw Silence(waitedFor: method)
  }

  private func send(_ message: Message) throws {
    let whole = message.merging(["jsonrpc": "2.0"]) { first, _ in first }
    let data = try JSONSerialization.data(withJSONObject: whole)
    try input.fileHandleForWriting.write(
      contentsOf: Data("Content-Length: \(data.count)\r\n\r\n".utf8) + data)
  }

  /// The next message; nil if there is none in time.
  private func receive(until end: Date) throws -> Message? {
    var message: Message?
    try program.wait {
      bytes += try program.newOutput()
      message = takeMessage()
      return message != nil || end.timeIntervalSinceNow < 0
    }
    return message
  }

  /// The first message that is there as a whole.
  private func takeMessage() -> Message? {
    let data = Data(bytes)
    guard let head = data.range(of: Data("\r\n\r\n".utf8)),
      let match = String(decoding: data[..<head.lowerBound], as: UTF8.self)
        .firstMatch(of: /Content-Length: ([0-9]+)/), let length = Int(match.output.1),
      bytes.count >= head.upperBound + length
    else { return nil }
    let body = data[head.upperBound..<head.upperBound + length]
    bytes.removeFirst(head.upperBound + length)
    return (try? JSONSerialization.jsonObject(with: body)) as? Message ?? [:]
  }
}
