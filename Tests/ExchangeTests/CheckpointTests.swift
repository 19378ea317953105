import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Exchange

@Suite struct CheckpointTests {
  private let notes = {
    var notes = CheckpointNotes(
      model: "bigram", vocabulary: ["\n", "\"", "é", "😀"], step: 7, seed: .max,
      learningRate: 0.1, run: #"{"a":"\n"}"#)
    notes.axes = ["V": 12, "T": 8, "B": 4, "C": 6, "E": 2]
    return notes
  }()

  private func model(seed: UInt64 = 1) throws -> Model {
    let model = try Model(ModelLibrary(path: ModelFixture.bigram()))
    model.initialize(seed: seed)
    return model
  }

  private func trained() throws -> Model {
    let model = try model()
    // Even tokens only, so that the two experts' step counts differ.
    let tokens = [Int32](repeating: 2, count: 32)
    for seed: UInt64 in 0..<3 {
      let hyper = Hyperparameters(model.manifest.defaults, seed: seed)
      _ = try model.trainStep(tokens: tokens, targets: tokens, with: hyper)
    }
    return model
  }

  private func state(_ model: Model) throws -> [[Float]] {
    try Checkpoint.prefixes.flatMap { kind, _ in
      try (0..<2).map { try model.read(kind, $0) }
    }
  }

  @Test func restoresEverything() throws {
    let path = try ModelFixture.folder() + "/a.safetensors"
    let saved = try trained()
    #expect(try saved.read(.stepCounts, 1) == [3, 0])
    try Checkpoint.save(saved, notes, to: path)
    let other = try model(seed: 9)
    #expect(try state(other) != state(saved))
    let checkpoint = try Checkpoint(path: path, contents: .training, manifest: other.manifest)
    try checkpoint.restore(into: other)
    #expect(try state(other) == state(saved))
    #expect(checkpoint.notes == notes)
  }

  @Test func takesOnlyWeightsFromACheckpoint() throws {
    let path = try ModelFixture.folder() + "/a.safetensors"
    let saved = try trained()
    try Checkpoint.save(saved, notes, to: path)
    let other = try model(seed: 9)
    try Checkpoint(path: path, contents: .weights, manifest: other.manifest).restore(into: other)
    #expect(try other.read(.value, 0) == saved.read(.value, 0))
    #expect(try other.read(.firstMoment, 0).allSatisfy { $0 == 0 })
    #expect(try other.read(.stepCounts, 1) == [0, 0])
  }

  @Test func takesAPlainWeightsFileButNotForTraining() throws {
    let path = try ModelFixture.folder() + "/plain.safetensors"
    let model = try model()
    try Safetensors.write(
      [
        .init(name: "token", shape: [12, 6]) { [Float](repeating: 1, count: 72) },
        .init(name: "expert.weight", shape: [2, 12, 6]) { [Float](repeating: 2, count: 144) },
      ], metadata: [:], to: path)
    let checkpoint = try Checkpoint(path: path, contents: .weights, manifest: model.manifest)
    #expect(checkpoint.notes.vocabulary == [])
    try checkpoint.restore(into: model)
    #expect(try model.read(.value, 1) == [Float](repeating: 2, count: 144))
    let error = #expect(throws: SafetensorsError.self) {
      try Checkpoint(path: path, contents: .training, manifest: model.manifest)
    }
    #expect(error?.problems.contains(.missing(name: "adam_m.token")) == true)
    #expect(error?.problems.contains(.missing(name: "adam_t.expert.weight")) == true)
    #expect(
      error?.problems.contains { if case .badNote("step", _) = $0 { true } else { false } } == true)
  }

  @Test(
    "What has no gradient needs nothing beside its value; what earlier libraries kept is let go")
  func parametersWithoutGradient() throws {
    let path = try ModelFixture.folder() + "/a.safetensors"
    let model = try trained()
    try Checkpoint.save(model, notes, to: path)
    var manifest = model.manifest
    manifest.parameters[0].hasGradient = false
    _ = try Checkpoint(path: path, contents: .training, manifest: manifest)
    let file = try Safetensors(path: path)
    let kept = file.tensors.filter { !$0.name.contains(/adam_..token/) }
    #expect(kept.count == file.tensors.count - 3)
    let smaller = try ModelFixture.folder() + "/b.safetensors"
    try Safetensors.write(
      kept.map { tensor in
        .init(name: tensor.name, shape: tensor.shape) { try file.numbers(tensor) }
      }, metadata: file.metadata, to: smaller)
    _ = try Checkpoint(path: smaller, contents: .training, manifest: manifest)
    let error = #expect(throws: SafetensorsError.self) {
      try Checkpoint(path: smaller, contents: .training, manifest: model.manifest)
    }
    #expect(error?.problems.count == 3)
  }

  @Test func namesEverythingThatDoesNotFit() throws {
    let header =
      "{" + described("token", "[12,6]", "[0,144]", "I16") + ","
      + described("surplus", "[1]", "[144,148]") + "," + described("another", "[1]", "[148,152]")
      + "}"
    let path = try ModelFixture.file(safetensorsBytes(header, data: 152))
    let manifest = try model().manifest
    let error = SafetensorsError.unfit(
      path: path,
      [
        .wrongType(name: "token", expected: .f32, found: .i16),
        .missing(name: "expert.weight"), .unexpected(name: "surplus"),
        .unexpected(name: "another"),
      ])
    #expect(throws: error) {
      try Checkpoint(path: path, contents: .weights, manifest: manifest)
    }
    for name in ["token", "expert.weight", "surplus", "another"] {
      #expect(error.message.contains(name))
    }
  }

  @Test func namesAWrongShape() throws {
    let header =
      "{" + described("token", "[6,12]", "[0,288]") + ","
      + described("expert.weight", "[2,12,6]", "[288,864]") + "}"
    let path = try ModelFixture.file(safetensorsBytes(header, data: 864))
    let manifest = try model().manifest
    #expect(
      throws: SafetensorsError.unfit(
        path: path, [.wrongShape(name: "token", expected: [12, 6], found: [6, 12])],
        fitting: ["expert.weight"])
    ) { try Checkpoint(path: path, contents: .weights, manifest: manifest) }
  }

  @Test func takesPartOfTheParametersOnlyWhenAllowed() throws {
    let path = try ModelFixture.folder() + "/part.safetensors"
    try Safetensors.write(
      [.init(name: "token", shape: [12, 6]) { [Float](repeating: 1, count: 72) }], metadata: [:],
      to: path)
    let model = try model()
    let before = try model.read(.value, 1)
    let refused = #expect(throws: SafetensorsError.self) {
      try Checkpoint(path: path, contents: .weights, manifest: model.manifest)
    }
    #expect(refused?.message.hasSuffix("expert.weight is missing; 1 fit: token") == true)
    #expect(refused?.hint.contains("--allow-missing") == true)
    let checkpoint = try Checkpoint(
      path: path, contents: .weights, manifest: model.manifest, allowMissing: true)
    #expect(checkpoint.missing == ["expert.weight"])
    try checkpoint.restore(into: model)
    #expect(try model.read(.value, 0) == [Float](repeating: 1, count: 72))
    #expect(try model.read(.value, 1) == before)
  }

  @Test func aFileWithoutAnyParameterIsNoPart() throws {
    let path = try ModelFixture.folder() + "/none.safetensors"
    try Safetensors.write([], metadata: [:], to: path)
    let manifest = try model().manifest
    #expect(throws: SafetensorsError.self) {
      try Checkpoint(path: path, contents: .weights, manifest: manifest, allowMissing: true)
    }
  }

  @Test func tellsManyNamesShortly() {
    let names = (0..<8).map { "block.\($0).up.weight" } + ["head.bias", "x.3.a", "y.1.z", "y.4.z"]
    #expect(
      NameList(names).description
        == "block.{0-7}.up.weight, head.bias, x.3.a, y.{1,4}.z")
  }

  @Test(
    arguments: [
      ["vocabulary": "no JSON"], ["vocabulary": "[\"ab\"]"], ["vocabulary": "[\"\"]"],
      ["vocabulary": "[1]"], ["vocabulary": "[\"a\",\"a\"]"],
      [
        "vocabulary":
          "[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\",\"h\",\"i\",\"j\",\"k\",\"l\",\"m\"]"
      ],
      ["step": "-1"], ["step": "many"], ["format_version": "2"],
    ])
  func refusesBadNotes(_ metadata: [String: String]) throws {
    let path = try ModelFixture.folder() + "/notes.safetensors"
    let model = try model()
    let tensors = model.manifest.parameters.map { parameter in
      Safetensors.Output(name: parameter.name, shape: parameter.shape) {
        [Float](repeating: 0, count: parameter.count)
      }
    }
    try Safetensors.write(tensors, metadata: metadata, to: path)
    let error = #expect(throws: SafetensorsError.self) {
      try Checkpoint(path: path, contents: .weights, manifest: model.manifest)
    }
    #expect(error?.problems.count == 1)
  }

  @Test func savesTheSameBytesTwice() throws {
    let folder = try ModelFixture.folder()
    let model = try trained()
    for name in ["/a", "/b"] { try Checkpoint.save(model, notes, to: folder + name) }
    let files = try ["/a", "/b"].map { try Data(contentsOf: URL(fileURLWithPath: folder + $0)) }
    #expect(files[0] == files[1])
  }
}
