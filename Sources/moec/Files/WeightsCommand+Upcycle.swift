import ArgumentParser
import Benchmark
import Exchange
import Foundation
import GraphIR
import ModelRuntime
import SystemFiles
import Upcycling
import Words

extension WeightsCommand {
  /// `moec weights upcycle DENSE.safetensors --into MIXTURE.so -o OUT.safetensors`.
  struct Upcycle: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes a mixture's weights of a dense model's: its MLPs become the experts.",
      discussion: """
        EXAMPLES
          moec weights upcycle dense.safetensors --into libmix.so -o w.safetensors
          moec weights upcycle d.safetensors --into libmix.so -o w.safetensors --seed 2
        """)

    @Argument(
      help: "The dense model's weights, or a checkpoint, of which they alone are taken.",
      completion: .weights)
    var dense: String

    @Option(help: "The mixture's library.", completion: .library)
    var into: String

    @Option(name: .shortAndLong, help: "The file to write.", completion: .weights)
    var output: String

    @Option(
      parsing: .unconditional,
      help: ArgumentHelp(
        "Slices that the MLP has to be cut into. (default: as the shapes say)", valueName: "n"))
    var granularity: Int?

    @OptionGroup
    var drawing: DrawingOptions

    @Flag(help: "Replace the weights that are there.")
    var overwrite = false

    func validate() throws {
      if let granularity, !(1...4096).contains(granularity) {
        throw ValidationError("--granularity must be from 1 to 4,096, not \(granularity.grouped)")
      }
    }

    func run() throws {
      try reportingErrors {
        var claims = FileClaims()
        claims.read(dense, "the dense weights")
        claims.read(into, "--into")
        claims.write(output, "--output", over: .weights, mayReplace: overwrite)
        try claims.check()
        let file = try Safetensors(path: dense)
        let graph = try CarriedPlan(library: into).plan.graph
        let upcycling = try Upcycling(
          try tensors(file), into: graph, drawing.options(granularity: granularity),
          names: (dense, graph.name))
        try Safetensors.write(
          upcycling.outputs, metadata: metadata(file, graph), to: output)
        upcycling.tell()
        printToStandardError("wrote \(output): \(graph.name), \(upcycling.outputs.count) tensors")
      }
    }

    /// The dense model's tensors without what training keeps. Error: one that is no floating-point number.
    private func tensors(_ file: Safetensors) throws -> [Safetensors.Output] {
      let kept = file.tensors.filter { tensor in
        !Checkpoint.trainingPrefixes.contains { tensor.name.hasPrefix($0) }
      }
      if kept.count < file.tensors.count {
        printToStandardError("note: moments, step counts and averages are left out")
      }
      return try kept.map { tensor in
        guard tensor.type.isReal else {
          throw SafetensorsError.malformed(
            path: file.path, [.wrongType(name: tensor.name, expected: .f32, found: tensor.type)])
        }
        let count = tensor.shape.reduce(1, *)
        let parts = stride(from: 0, to: count, by: Self.portion).map { start in
          { try file.numbers(tensor, start..<min(start + Self.portion, count)) }
        }
        return .init(name: tensor.name, shape: tensor.shape, parts: parts)
      }
    }

    /// Numbers of a tensor that is copied are read so many at once.
    private static let portion = 1 << 20

    /// The mixture's notes, with the dense model's tokens.
    private func metadata(_ file: Safetensors, _ graph: Graph) -> [String: String] {
      var notes = CheckpointNotes(model: graph.name, vocabulary: [], step: 0)
      notes.axes = Dictionary(graph.symbols.map { ($0.name, $0.size) }) { first, _ in first }
      notes.settings = graph.settings.map { .init(name: $0.name, value: "\($0.value)") }
      return notes.metadata.merging(
        file.metadata.filter { ["vocabulary", "tokenizer"].contains($0.key) }
      ) { $1 }
    }
  }
}

extension Upcycling {
  /// Says what was done, and what keeps the function from being the dense one's.
  func tell() {
    for line in report { printToStandardError(line) }
    for note in notes { printToStandardError("note: \(note)") }
  }
}
