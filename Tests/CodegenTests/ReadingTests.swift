import Codegen
import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import Testing

/// What a reader of `Generated/makemoe` counts on.
@Suite struct ReadingTests {
  private static func lines(of path: String) throws -> [Substring] {
    let file = try Moec.makemoe().generated.appendingPathComponent(path)
    return try String(contentsOf: file, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test(
    "A layer's file begins with its forward function, backward follows, what they share comes last")
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

  @Test("Gradients that arrive in parts are called by where they come from")
  func parts() throws {
    let block = try Self.lines(of: "block.c").joined(separator: "\n")
    for name in ["", "_from_dispatch"] {
      #expect(block.contains("t->d_mixture_norm\(name),"), "\(name)")
    }
  }

  private static func lines(_ graph: Graph) throws -> [String: [Substring]] {
    let files = try GeneratedModel(Pipelines.plan(graph), .init(sourceName: "deep.swift")).files
    return files.filter(\.isC).reduce(into: [:]) { $0[$1.path] = $1.text.split(separator: "\n") }
  }

  @Test("No C grows with depth, nor where parameters lie otherwise than they are made")
  func depth() throws {
    for model in [MakeMoE.graph(depth:), InitialValueTests.graph(depth:)] {
      let counts = try [2, 16].map { try Self.lines(model($0)).mapValues(\.count) }
      #expect(counts[0] == counts[1])
    }
  }

  @Test("model.c is what is the model's own, in a few screens")
  func length() throws {
    #expect(try Self.lines(of: "model.c").count < 300)
  }

  @Test("No name ends in a number")
  func numbers() throws {
    let models: [MakeMoE] = [
      MakeMoE("noisy") { $0.dropout = 0.2 },
      MakeMoE("capacity") { ($0.capacity, $0.isNoisy) = (1, false) },
      MakeMoE("tied") { ($0.isTied, $0.hasOffset) = (true, true) },
    ]
    for model in models {
      let code = GeneratedModel(
        try Pipelines.plan(model.graph()), .init(sourceName: "model.swift"))
      for file in code.files where file.isC && !file.path.hasPrefix("kernels/") {
        let odd = file.text.matches(of: /\b[A-Za-z]\w*_[0-9]+\b/).map { String($0.output) }
        #expect(odd.isEmpty, "\(model.name) \(file.path)")
      }
    }
  }
}

extension MakeMoE {
  fileprivate static func graph(depth: Int) throws -> Graph {
    try MakeMoE("deep") { $0.depth = depth }.graph()
  }
}
