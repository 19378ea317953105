import CompiledModels
import Foundation
import GraphIR
import ModelFixtures
import Passes
import Planning
import RandomModels
import Testing

@Suite struct RandomModelTests {
  /// One for all models, with one cache.
  private static let folder = Result { URL(fileURLWithPath: try ModelFixture.folder()) }

  private static func check() throws -> ModelCheck {
    ModelCheck(folder: try folder.get(), precompiled: try CompiledModel.precompiled.get())
  }

  /// The last one's ranks share out experts that learn nothing, which wrote over what lay behind.
  @Test(
    "Random models compute what the interpreter does",
    arguments: Array(1...24 as ClosedRange<UInt64>) + [910_026])
  func agrees(seed: UInt64) throws {
    let check = try Self.check()
    let outcome = check.outcome(of: try RandomModel(seed: seed).graph(), seed: seed)
    switch outcome {
    case .wrong(let reasons): Issue.record("seed \(seed): \(reasons)")
    case .refused(let refusal): Issue.record("seed \(seed): \(refusal)")
    case .right, .undecided: break
    }
  }

  /// The last took logits of the wrong position with --inference, where several tokens come after others and the
  /// last layer is given what attention makes. Some had C with a variable that was not used: layers that make what
  /// nobody reads, uses that share what is saved, a layer without parameters with --inference. The others have
  /// losses and gradients that are no numbers, behind which nothing is compared, or gradients of which nothing but
  /// rounding is left, or that rounding changes much: the last two behind norms and attention of equal ones.
  @Test(
    "So they do where some of them is frozen, or has adapters",
    arguments: Self.changed + [
      4_000_320, 7_000_405, 6_000_075, 5_000_318, 20_000_064, 20_000_147, 40_001_213, 51_001_587,
      63_000_064, 65_000_939, 85_002_297, 96_003_160,
    ])
  func agreesChanged(seed: UInt64) throws {
    let check = try Self.check()
    let graph = try RandomModel(seed: seed).changed()
    switch check.outcome(of: graph, seed: seed) {
    case .wrong(let reasons): Issue.record("seed \(seed): \(reasons)")
    case .refused(let refusal): Issue.record("seed \(seed): \(refusal)")
    case .right, .undecided: break
    }
  }

  /// The first of each kind.
  private static let changed: [UInt64] = {
    var (frozen, adapted): ([UInt64], [UInt64]) = ([], [])
    for seed in 1...200 as ClosedRange<UInt64> where frozen.count < 8 || adapted.count < 8 {
      guard let graph = try? RandomModel(seed: seed).changed() else { continue }
      if !graph.adapters.isEmpty {
        adapted.append(seed)
      } else if graph.parameters.contains(where: \.parameter.isFrozen) {
        frozen.append(seed)
      }
    }
    return Array(frozen.prefix(8) + adapted.prefix(8))
  }()

  /// A call that nothing needs was made for logits alone, of what only a pass with targets had made.
  @Test("What a pass makes, it has made the operands of", arguments: [true, false])
  func purposes(drops: Bool) throws {
    for seed in Array(1...60 as ClosedRange<UInt64>) + [4_000_013] {
      let graph = try RandomModel(seed: seed).changed()
      let options = PipelineOptions(omitted: drops ? [] : ["DropUnused"])
      let pipeline = Pipeline(Pipeline.standard(expertRanks: 1, logitsAtOnce: 16))
      for layer in try Plan(pipeline.run(graph, options: options)).layers {
        var purposes: [Place: Purpose] = [:]
        for call in layer.forward {
          for operand in call.inputs {
            let made = purposes[operand.place] ?? .every
            #expect(made == .every || made == call.purpose, "seed \(seed): \(call.kernel.action)")
          }
          for result in call.results { purposes[result.place] = call.purpose }
        }
      }
    }
  }

  /// The batch is the context's axis too, or a part of it.
  @Test("A library of --inference has the model's context", arguments: [62_000_124, 20_000_064])
  func context(seed: UInt64) throws {
    let graph = try RandomModel(seed: seed).changed()
    #expect(try Pipeline(Pipeline.inference).run(graph).context == graph.context)
  }

  @Test("A seed gives the same model every time, and another seed another")
  func reproducible() throws {
    #expect(try RandomModel(seed: 7).graph() == RandomModel(seed: 7).graph())
    #expect(try RandomModel(seed: 7).graph() != RandomModel(seed: 8).graph())
  }

  @Test("Random models have every op that the DSL makes")
  func coverage() throws {
    var kinds: Set<OpKind> = []
    for seed in 1...200 as ClosedRange<UInt64> {
      kinds.formUnion((try? RandomModel(seed: seed).graph())?.nodes.map(\.op.kind) ?? [])
    }
    // Backward alone pads: what a slice's gradient is. Exchanges and positions in documents are passes'.
    let others: Set<OpKind> = [
      .pad, .exchangeCounts, .exchangeRows, .documentPositions, .linearCrossEntropy,
    ]
    let isMade = { (kind: OpKind) in !others.contains(kind) && !kind.rawValue.hasSuffix("Gradient")
    }
    #expect(kinds == Set(OpKind.allCases.filter(isMade)))
  }

  /// OpenMP says what it was told when it is loaded.
  @Test("moec-fuzz checks a model, and threads that wait leave the processor to others")
  func command() throws {
    let result = try Command.run(
      "/bin/sh",
      [
        "-c", "unset OMP_WAIT_POLICY; OMP_DISPLAY_ENV=verbose exec \"$@\"", "sh",
        try Command.path(of: "moec-fuzz"), "--seed", "7", "--count", "1",
      ])
    #expect(result.output.contains("1 models: 1 right"), "\(result)")
    let said = result.errors + result.output
    let waits = ["KMP_BLOCKTIME='0'", "GOMP_SPINCOUNT = '0'"]
    #expect(!said.contains("_OPENMP") || waits.contains(where: said.contains), "\(said)")
  }

  @Test("Where a model ends moec-fuzz, it says which")
  func crash() throws {
    // What lies in its folder is the first model's.
    let script = """
      TMPDIR="$1" "$0" --seed 7 --seconds 60 &
      until ls "$1"/moec-fuzz-*/* > /dev/null 2>&1 || ! kill -0 $!; do sleep 0.1; done
      kill -SEGV $!; wait $!
      """
    let result = try Command.run(
      "/bin/sh", ["-c", script, try Command.path(of: "moec-fuzz"), try ModelFixture.folder()])
    #expect(result.status > 128, "\(result)")
    #expect(result.errors.contains(/seed [0-9]+: wrong: it ended moec-fuzz/), "\(result)")
  }

  @Test("What is wrong with a graph is all that is left of it")
  func reduction() throws {
    let graph = try RandomModel(seed: 7).graph()
    let reducer = GraphReducer { $0.nodes.contains { $0.op.kind == .linear } }
    let smallest = reducer.reduced(graph)
    #expect(smallest.nodes.count < graph.nodes.count)
    #expect(smallest.nodes.contains { $0.op.kind == .linear })
    #expect(smallest.symbols.allSatisfy { $0.size == 1 }, "\(smallest.text)")
  }
}
