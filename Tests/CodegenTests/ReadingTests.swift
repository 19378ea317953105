import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// What a reader of `Generated/makemoe` counts on.
@Suite struct ReadingTests {
  private static func lines(of path: String) throws -> [Substring] {
    let file = try Moec.makemoe().generated.appendingPathComponent(path)
    return try String(contentsOf: file, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test("A layer's file begins with its forward function, backward follows, what they share comes last")
  func order() throws {
    let block = try Self.lines(of: "block.c")
    func line(_ beginning: String) -> Int { block.firstIndex { $0.hasPrefix(beginning) } ?? -1 }
    let forward = line("void block_forward(") + 1
    #expect((1...40).contains(forward), "line \(forward)")
    let functions = [
      "void block_forward(", "void block_forward_sequences(", "void block_backward(",
      "void block_backward_sequences(", "block_saved block_saved_part(",
    ].map(line)
    #expect(functions == functions.sorted())
    let found = block.filter { $0.hasPrefix("FINISH(") }
    #expect(found.count == 6 && found.contains("FINISH(finish_relu, y < 0 ? 0 : y)"))
  }
}
