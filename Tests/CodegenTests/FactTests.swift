import CompiledModels
import Foundation
import GraphIR
import Interpreter
import ModelRuntime
import Testing

/// The reference model's numbered facts about attention, initialisation and optimiser: 1 to 3, 10
/// to 13. `ParityTests` compares all of them with PyTorch in numbers; these fail by name.
@Suite struct FactTests {
  private func loss(of fixture: Fixture, attentionScale: Double) throws -> Float {
    var model = fixture.model
    model.attentionScale = attentionScale
    let library = try Model(CompiledModel(model.graph()).library)
    for (name, values) in try fixture.initial() { try library.write(values, named: name) }
    let tokens = try fixture.integers("tokens", step: 0)
    let targets = try fixture.integers("targets", step: 0)
    return try library.gradients(tokens: tokens, targets: targets, seed: 1)
  }

  @Test("1: the scale is 1 / √C, and 1 / √D where a model says so")
  func fact1() throws {
    let graph = try Graph(parsing: text(of: "graph.txt"))
    let scales = graph.nodes.compactMap { node -> Double? in
      if case .attention(let op) = node.op { op.scale } else { nil }
    }
    #expect(scales == Array(repeating: 1 / 128.0.squareRoot(), count: 8))
    for (name, usesDepth) in [("noisy", false), ("head-scale", true)] {
      let fixture = try Fixture(name)
      let expected = try #require(try fixture.numbers("loss"))[0]
      let (width, heads) = (Double(fixture.model.C), Double(fixture.model.heads))
      let byWidth = try loss(of: fixture, attentionScale: 1 / width.squareRoot())
      let byDepth = try loss(of: fixture, attentionScale: 1 / (width / heads).squareRoot())
      #expect((abs(byDepth - expected) < 1e-5) == usesDepth, "\(name)")
      #expect((abs(byWidth - expected) < 1e-5) != usesDepth, "\(name)")
    }
  }

  private func text(of file: String) throws -> String {
    let url = try Moec.makemoe().generated.appendingPathComponent(file)
    return try String(contentsOf: url, encoding: .utf8)
  }

  @Test("2: q, k, v without bias, proj with; dropout on the weights and after proj")
  func fact2() throws {
    let library = try ModelLibrary(path: Moec.makemoe().library)
    let attention = library.manifest.parameters.map(\.name)
      .filter { $0.hasPrefix("block.3.attention.") && !$0.contains("norm") }
    let parts = ["key.weight", "proj.bias", "proj.weight", "query.weight", "value.weight"]
    #expect(attention.sorted() == parts.map { "block.3.attention.\($0)" })
    let graph = try Graph(parsing: text(of: "graph.txt"))
    var rates: [Double] = []
    for node in graph.nodes where node.phase == .forward && node.scope.hasPrefix("block.3") {
      if case .attention(let op) = node.op { rates.append(op.rate) }
      if case .pointwise(let op) = node.op { rates += op.expression.dropoutRates }
    }
    #expect(rates == [0.1, 0.1, 0.1])  // weights, after proj, after the experts
  }

  @Test("2: heads lie side by side in order, as PyTorch's separate ones")
  func fact2Heads() throws {
    let (fixture, separate) = (try Fixture("noisy"), try Fixture("noisy-state-dict"))
    for part in ["query", "key", "value"] {
      let fused = try #require(
        try fixture.numbers("initial/block.1.attention.\(part).weight"))
      let heads = try (0..<3).flatMap {
        try #require(try separate.numbers("blocks.1.sa.heads.\($0).\(part).weight"))
      }
      #expect(fused == heads)
    }
  }

  @Test("3: norms come first, with epsilon 1e-5; positions are learned; embeddings keep all")
  func fact3() throws {
    let graph = try Graph(parsing: text(of: "graph.txt"))
    let norms = graph.nodes.compactMap { node -> (scope: String, epsilon: Double)? in
      if case .layerNorm(let op) = node.op { (node.scope, op.epsilon) } else { nil }
    }
    #expect(norms.count == 17)
    #expect(norms.allSatisfy { $0.epsilon == 1e-5 })
    let outside = graph.nodes.filter { !$0.scope.hasPrefix("block.") }
    for node in outside {
      if case .pointwise(let op) = node.op { #expect(op.expression.dropoutRates.isEmpty) }
    }
    let shapes = Dictionary(
      uniqueKeysWithValues: try ModelLibrary(path: Moec.makemoe().library).manifest.parameters
        .map { ($0.name, $0.shape) })
    #expect(shapes["position.weight"] == [32, 128])
    #expect(shapes["token.weight"] == [65, 128])
  }

  @Test("10: the first loss is about 5.3, not ln 65")
  func fact10() throws {
    let library = try ModelLibrary(path: Moec.makemoe().library)
    let model = try Model(library)
    let losses = try (1...4).map { seed in
      model.initialize(seed: UInt64(seed))
      let key = CounterRandom.key(seed: UInt64(seed), stream: 77)
      let ids = (0..<UInt32(513)).map { Int32(CounterRandom.bits(key, $0) % 65) }
      return try model.loss(tokens: Array(ids[..<512]), targets: Array(ids[1...]), seed: 1)
    }
    let mean = losses.reduce(0, +) / 4
    #expect(mean > 4.9 && mean < 5.7, "\(losses)")
  }

  @Test("11: Kaiming normal on every linear layer; biases, embeddings and norms as PyTorch's")
  func fact11() throws {
    let model = try Model(ModelLibrary(path: Moec.makemoe().library))
    model.initialize(seed: 3)
    for parameter in model.manifest.parameters {
      let name = parameter.name
      let values = try model.read(named: name).map(Double.init)
      let mean = values.reduce(0, +) / Double(values.count)
      let deviation =
        (values.map { ($0 - mean) * ($0 - mean) }.reduce(0, +)
        / Double(values.count)).squareRoot()
      let fanIn = Double(name.contains("down") ? 512 : 128)
      // Five standard errors of a sample of this size.
      let error = 5 / (2 * Double(values.count)).squareRoot()
      if name.contains("norm") || name.hasPrefix("final") {
        #expect(values.allSatisfy { $0 == (name.hasSuffix("weight") ? 1 : 0) }, "\(name)")
      } else if name.hasSuffix("bias") {
        #expect(values.largest <= 1 / fanIn.squareRoot(), "\(name)")
        #expect(abs(deviation * (3 * fanIn).squareRoot() - 1) < 2 * error, "\(name)")
      } else {
        let isTable = name == "token.weight" || name == "position.weight"
        let expected = isTable ? 1 : (2 / fanIn).squareRoot()
        #expect(abs(deviation / expected - 1) < error, "\(name): \(deviation) for \(expected)")
        #expect(abs(mean) < 5 * expected / Double(values.count).squareRoot(), "\(name)")
      }
    }
  }

  @Test("12: AdamW's decay comes first and is decoupled; its moments are corrected")
  func fact12() throws {
    let trial = Trial(try CompiledModel(MakeMoE("adamw").graph()))
    let model = try trial.model()
    var hyper = Hyperparameters(model.manifest.defaults, seed: 1)
    #expect(hyper.learningRate == 1e-3 && hyper.beta1 == 0.9 && hyper.beta2 == 0.999)
    #expect(hyper.epsilon == 1e-8 && hyper.weightDecay == 0.01)
    (hyper.learningRate, hyper.weightDecay, hyper.epsilon) = (0.01, 0.5, 1e-3)
    let names = ["head.weight", "block.1.attention.norm.bias", "block.0.attention.proj.weight"]
    _ = try model.gradients(tokens: trial.tokens, targets: trial.targets, seed: 1)
    let gradients = try names.map { try model.read(.gradient, named: $0).map(Double.init) }
    _ = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
    for (name, gradient) in zip(names, gradients) {
      let before = try #require(trial.parameters[name]).map(Double.init)
      let expected = zip(before, gradient).map { value, g in
        // After one step the corrected moments are g and g².
        value * (1 - 0.01 * 0.5) - 0.01 * g / (abs(g) + 1e-3)
      }
      let found = Disagreement(name, try model.read(named: name), expected)
      #expect(found.error < 1e-5, "\(found)")
    }
  }

  @Test("A training step keeps no gradients, and says so rather than give old ones")
  func usedUpGradients() throws {
    let trial = Trial(try CompiledModel(MakeMoE("adamw").graph()))
    let model = try trial.model()
    let hyper = Hyperparameters(model.manifest.defaults, seed: 1)
    _ = try model.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
    #expect(throws: ModelError.self) { try model.read(.gradient, named: "head.weight") }
    _ = try model.gradients(tokens: trial.tokens, targets: trial.targets, seed: 1)
    #expect(try !model.read(.gradient, named: "head.weight").isEmpty)
  }

  @Test("13: an expert without tokens is left alone, bit for bit; unseen embeddings still decay")
  func fact13() throws {
    let model = MakeMoE("idle") {
      ($0.B, $0.T, $0.V, $0.experts, $0.chosen, $0.depth) = (1, 2, 11, 9, 1, 1)
    }
    var trial = Trial(try CompiledModel(model.graph()))
    trial.targets = [1, 1]
    let library = try trial.model()
    let hyper = Hyperparameters(library.manifest.defaults, seed: 1)
    var counts = [Float](repeating: 0, count: 9)
    for step in 1...4 {
      let name = "block.0.mixture.up.weight"
      let before = try library.expertBits(name, of: 9)
      trial.tokens = [Int32(step), Int32(2 * step)]
      _ = try library.trainStep(tokens: trial.tokens, targets: trial.targets, with: hyper)
      let after = try library.expertBits(name, of: 9)
      let moved = (0..<9).map { before[$0] != after[$0] }
      let steps = try library.read(.stepCounts, named: name)
      #expect((1...2).contains(moved.filter { $0 }.count), "two tokens, one expert each")
      for expert in 0..<9 where moved[expert] { counts[expert] += 1 }
      #expect(steps == counts, "step \(step)")
    }
    try expectDecay(of: 10, in: library, trial, hyper)
  }

  /// Token 10 never occurred in four steps: its row only shrank.
  private func expectDecay(
    of token: Int, in library: Model, _ trial: Trial, _ hyper: Hyperparameters
  ) throws {
    let row = token * 12..<(token + 1) * 12
    let before = try #require(trial.parameters["token.weight"])[row].map(Double.init)
    let after = try library.read(named: "token.weight")[row]
    let factor = pow(1 - Double(hyper.learningRate) * Double(hyper.weightDecay), 4)
    let found = Disagreement("token", Array(after), before.map { $0 * factor })
    #expect(found.error < 1e-6, "\(found)")
    #expect(before != after.map(Double.init))
  }
}

extension Model {
  /// Per expert the bits of its values and moments.
  fileprivate func expertBits(_ name: String, of experts: Int) throws -> [[UInt32]] {
    let kinds = try [Kind.value, .firstMoment, .secondMoment].map { try read($0, named: name) }
    let size = kinds[0].count / experts
    return (0..<experts).map { expert in
      kinds.flatMap { $0[expert * size..<(expert + 1) * size].map(\.bitPattern) }
    }
  }
}

extension ScalarExpression {
  /// The rates of all dropout in the expression.
  fileprivate var dropoutRates: [Double] {
    switch self {
    case .input, .constant, .normal: []
    case .keep(_, let rate): [rate]
    case .unary(_, let x): x.dropoutRates
    case .binary(_, let x, let y): x.dropoutRates + y.dropoutRates
    }
  }
}
