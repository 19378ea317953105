import CompiledModels
import Foundation
import GraphIR
import Interpreter
import ModelRuntime
import Testing

/// The reference model's numbered facts about routers and mixtures, 4 to 9.
@Suite struct RouterFactTests {
  private func softmax(_ x: [Double]) -> [Double] {
    let sum = x.map(exp).reduce(0, +)
    return x.map { exp($0) / sum }
  }

  private func expect(_ gates: [Float], _ expected: [Double], _ what: String = "") {
    let isNear = zip(gates, expected).allSatisfy { abs(Double($0) - $1) < 1e-5 }
    #expect(isNear, "\(what) \(gates) for \(expected)")
  }

  @Test("4: softmax over the k largest logits; the others are exactly 0")
  func fact4() throws {
    let model = try GateModel.model(GateModel().compiled(), [[0.5, 2, -1, 1.5], [3, 0, 0.1, -9]])
    let gates = try GateModel.gates(model, [0, 1])
    let (first, second) = (softmax([2, 1.5]), softmax([3, 0.1]))
    expect(gates[0], [0, first[0], 0, first[1]])
    expect(gates[1], [second[0], 0, second[1], 0])
    #expect(gates[0][0] == 0 && gates[0][2] == 0 && gates[1][1] == 0 && gates[1][3] == 0)
    #expect(gates.allSatisfy { abs($0.reduce(0, +) - 1) < 1e-6 })
  }

  @Test("5: normal noise times softplus, on in evaluation, a function of the seed")
  func fact5() throws {
    let table: [Float] = [0.3, 0.2, 0.1, 0]
    let model = try GateModel.model(GateModel { $0.isNoisy = true }.compiled(), [table], spread: 2)
    let tokens: [Int32] = [0, 1, 2, 3, 4]
    let gates = try GateModel.gates(model, tokens, seed: 40)
    let key = CounterRandom.key(seed: 40, stream: 0)
    let spread = log(1 + exp(2.0))
    for token in tokens.indices {
      let noisy = table.indices.map { expert in
        let index = UInt32(token * table.count + expert)
        return Double(table[expert]) + CounterRandom.normal(key, index) * spread
      }
      let two = noisy.indices.sorted { noisy[$0] > noisy[$1] }.prefix(2)
      let weights = softmax(two.map { noisy[$0] })
      var expected = [0, 0, 0, 0.0]
      for (index, weight) in zip(two, weights) { expected[index] = weight }
      expect(gates[token], expected, "token \(token)")
    }
    #expect(try GateModel.gates(model, tokens, seed: 40) == gates)
    #expect(try GateModel.gates(model, tokens, seed: 41) != gates)
  }

  @Test("5: a whole model's evaluation loss depends on the seed only through the noise")
  func fact5Evaluation() throws {
    for isNoisy in [true, false] {
      let model = MakeMoE("evaluation") { ($0.isNoisy, $0.dropout) = (isNoisy, 0.3) }
      let trial = Trial(try CompiledModel(model.graph()))
      let library = try trial.model()
      let losses = try ([1, 2, 1] as [UInt64]).map {
        try library.loss(tokens: trial.tokens, targets: trial.targets, seed: $0)
      }
      #expect(losses[0] == losses[2])
      #expect((losses[0] != losses[1]) == isNoisy)
    }
  }

  @Test("6: gradients reach the chosen logits only; the noise learns through the product")
  func fact6() throws {
    let compiled = try GateModel { ($0.isNoisy, $0.length) = (true, 1) }.compiled()
    let model = try GateModel.model(compiled, [[5, 0, 4.5, 0.1]], spread: -1)
    _ = try model.gradients(tokens: [2], targets: [0], seed: 3)
    let logits = try model.read(.gradient, named: "logits.weight")
    let spread = try model.read(.gradient, named: "spread.weight")
    let (rows, width) = (GateModel.tokens, GateModel.experts)
    let key = CounterRandom.key(seed: 3, stream: 0)
    for index in 0..<rows * width {
      let (row, expert) = (index / width, index % width)
      let isChosen = row == 2 && (expert == 0 || expert == 2)
      #expect((logits[index] != 0) == isChosen, "logit \(index)")
      let noise = CounterRandom.normal(key, UInt32(expert))
      let expected = Double(logits[index]) * noise / (1 + exp(1.0))
      #expect(abs(Double(spread[index]) - expected) < 1e-6, "spread \(index)")
    }
  }

  @Test("7: of equal logits the lower expert wins; the loss is the cross-entropy alone")
  func fact7() throws {
    let compiled = try GateModel { $0.length = 4 }.compiled()
    let model = try GateModel.model(compiled, [[1, 1, 1, 1], [0, 7, 7, 7], [2, 1, 2, 2]])
    let gates = try GateModel.gates(model, [0, 1, 2])
    #expect(gates == [[0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0.5, 0, 0.5, 0]])
    // One expert takes all: a balance loss would be far from 0.
    let tokens: [Int32] = [0, 1, 2, 0]
    let targets: [Int32] = [1, 1, 5, 0]
    let logits = try model.logits(tokens: tokens, seed: 1).map(Double.init)
    let loss = try model.loss(tokens: tokens, targets: targets, seed: 1)
    let entropies = targets.enumerated().map { index, target in
      let row = Array(logits[index * GateModel.tokens..<(index + 1) * GateModel.tokens])
      return -log(softmax(row)[Int(target)])
    }
    #expect(abs(Double(loss) - entropies.reduce(0, +) / 4) < 1e-5)
    #expect(try model.gradients(tokens: tokens, targets: targets, seed: 1) == loss)
  }

  @Test("8: experts that are not chosen compute nothing; outputs add up in ascending order")
  func fact8() throws {
    let model = try GateModel.model(GateModel().compiled(), [[0.5, 2, -1, 1.5]])
    var units = try model.read(named: "expert.bias")
    for column in 0..<GateModel.tokens {
      units[column] = .nan
      units[2 * GateModel.tokens + column] = .infinity
    }
    try model.write(units, named: "expert.bias")
    let gates = try GateModel.gates(model, [0, 0, 0])
    #expect(!gates.joined().contains { !$0.isFinite })

    let compiled = try GateModel { $0.chosen = 4 }.compiled()
    let all = try GateModel.model(compiled, [[0, 0, 0, 0]])
    let outputs: [Float] = [0x1p27, -0x1p27, 1, 0]  // a quarter of each: exact in any one product
    units = outputs.flatMap { [Float](repeating: $0, count: GateModel.tokens) }
    try all.write(units, named: "expert.bias")
    #expect(try GateModel.gates(all, [3])[0][0] == 0.25)
  }

  @Test("8: an expert is a linear layer to 4C with bias, ReLU, and one back with bias")
  func fact8Shapes() throws {
    let library = try ModelLibrary(path: Moec.makemoe().library)
    let shapes = Dictionary(
      uniqueKeysWithValues: library.manifest.parameters.map { ($0.name, $0.shape) })
    #expect(shapes["block.7.mixture.up.weight"] == [8, 512, 128])
    #expect(shapes["block.7.mixture.up.bias"] == [8, 512])
    #expect(shapes["block.7.mixture.down.weight"] == [8, 128, 512])
    #expect(shapes["block.7.mixture.down.bias"] == [8, 128])
    #expect(library.manifest.parameterCount == 8_996_545)
  }

  @Test("9: an expert keeps its first int(tokens · k / E · factor); gates are not renormalised")
  func fact9() throws {
    let compiled = try GateModel { $0.capacity = 0.8 }.compiled()
    // All want expert 1; half of them want 0 as well, the others 3.
    let model = try GateModel.model(compiled, [[1, 2, 0, 0], [0, 2, 0, 1]])
    let weights = softmax([2, 1])
    for length in 1...8 {
      let capacity = Int(Double(length * 2) / 4 * 0.8)
      let tokens = (0..<length).map { Int32($0 % 2) }
      for (index, gates) in try GateModel.gates(model, tokens).enumerated() {
        let first = index < capacity ? weights[0] : 0
        let second = index / 2 < capacity ? weights[1] : 0
        let expected = index % 2 == 0 ? [second, first, 0, 0] : [0, first, 0, second]
        expect(gates, expected, "token \(index) of \(length)")
      }
    }
  }

  @Test("9: makeMoE's capacity is 0 for one sequence of up to 3 tokens: the residual remains")
  func fact9NoRoom() throws {
    let model = MakeMoE("no-room") {
      ($0.B, $0.T, $0.experts, $0.chosen, $0.depth) = (1, 6, 8, 2, 1)
      $0.capacity = 1
    }
    let trial = Trial(try CompiledModel(model.graph()))
    let library = try trial.model()
    let before = try (1...6).map { try library.logits(tokens: Array(trial.tokens[..<$0]), seed: 1) }
    for name in ["up.weight", "up.bias", "down.weight", "down.bias"] {
      let name = "block.0.mixture.\(name)"
      try library.write(try library.read(named: name).map { 3 * $0 + 1 }, named: name)
    }
    let after = try (1...6).map { try library.logits(tokens: Array(trial.tokens[..<$0]), seed: 1) }
    for length in 1...6 {
      #expect((before[length - 1] == after[length - 1]) == (length <= 3), "\(length) tokens")
    }
  }
}
