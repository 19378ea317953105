import Foundation
import ModelFixtures
import Testing

/// What is done for every character of a text is fast in a debug build too: it is C.
@Suite struct LargeTextTests {
  /// Seconds of a processor, which other programs do not add to, that a command took.
  private func seconds(_ script: String, _ arguments: [String]) throws -> Double {
    let result = try Command.shell("\(script) || exit 1; times | tail -1", arguments)
    try #require(result.status == 0, "\(result.errors)")
    let times = result.output.split(separator: "\n").last ?? ""
    let match = try #require(times.firstMatch(of: /^([0-9]+)m([0-9.]+)s/), "\(result.output)")
    let (minutes, rest) = (Double(match.output.1), Double(match.output.2))
    return 60 * (minutes ?? 0) + (rest ?? 0)
  }

  /// In Swift it took eleven seconds, and in C it takes a third of one.
  @Test func twentyMegabytes() throws {
    let path = try ModelFixture.folder() + "/large.txt"
    let line = Array("ab é€😀 c\r\n".utf8)
    var bytes: [UInt8] = []
    for _ in 0..<(20_000_000 / line.count) { bytes += line }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let command = """
      "$0" run "$1" --train --data "$2" --steps 1 --eval-batches 1 --save "$2.safetensors"
      """
    #expect(try seconds(command, [try ModelFixture.bigram(), path]) < 4)
  }
}
