import CModelABI
import CompiledModels
import ModelRuntime
import Testing

/// Averages of weights over steps, in C.
@Suite struct AverageTests {
  private static let path = Result {
    try CompiledModel(ObjectiveTests.balanced("averaged")).library.path
  }

  private func step(_ number: Int, _ model: Model) throws {
    let ids = (0..<20).map { Int32(($0 * 31 + number * 17 + $0 / 3) % 11) }
    let hyper = Hyperparameters(model.manifest.defaults, seed: UInt64(number))
    _ = try model.trainStep(tokens: ids, targets: ids.reversed(), with: hyper)
  }

  private func values(_ model: Model) throws -> [[Float]] {
    try model.manifest.parameters.indices.map { try model.read(.value, $0) }
  }

  @Test("Each step moves learned parameters by the formula, and copies states")
  func isTheFormula() throws {
    let model = try Model(ModelLibrary(path: Self.path.get()))
    model.initialize(seed: 3)
    let average = try Model(model.library)
    try average.average(model, keeping: 0)
    var expected = try values(model)
    #expect(try values(average) == expected)
    #expect(model.manifest.states.count == 3)
    for number in 0..<5 {
      try step(number, model)
      let now = try values(model)
      for (index, parameter) in model.manifest.parameters.enumerated() {
        expected[index] = zip(expected[index], now[index]).map { old, new in
          parameter.hasGradient ? Float(0.75 * Double(old) + 0.25 * Double(new)) : new
        }
      }
      try average.average(model, keeping: 0.75)
      for (found, wanted) in zip(try values(average).joined(), expected.joined()) {
        #expect(abs(found - wanted) <= 1e-6 * max(1, abs(wanted)))
      }
    }
    for state in model.manifest.states {
      #expect(try average.read(named: state.name) == model.read(named: state.name))
    }
    #expect(try values(average) != values(model))
  }

  @Test("Any number of threads makes the same bits, and the averaged model stays as it is")
  func isTheSameForAnyThreads() throws {
    let averages = try [1, 3].map { threads in
      let model = try Model(ModelLibrary(path: Self.path.get()))
      model.initialize(seed: 3)
      let average = try Model(model.library)
      try average.setThreads(threads)
      for number in 0..<3 {
        try step(number, model)
        let before = try values(model)
        try average.average(model, keeping: 0.9)
        #expect(try values(model) == before)
      }
      return try values(average)
    }
    #expect(averages[0] == averages[1])
    #expect(averages[0].joined().contains { $0 != 0 })
  }

  @Test(
    "A share that makes no average is refused, and changes nothing", arguments: [1, -0.1, .nan])
  func refusesOtherShares(_ share: Float) throws {
    let model = try Model(ModelLibrary(path: Self.path.get()))
    model.initialize(seed: 3)
    let average = try Model(model.library)
    let error = #expect(throws: ModelError.self) { try average.average(model, keeping: share) }
    #expect(error?.message.contains("but must be at least 0 and below 1") == true)
    #expect(try values(average).joined().allSatisfy { $0 == 0 })
    let other = try Model(ModelLibrary(path: Self.path.get()))
    #expect(throws: ModelError.self) { try other.average(model, keeping: 0) }
  }
}
