import CompiledModels
import Foundation
import HuggingFace
import ModelFixtures
import Testing

/// What transformers makes of folders that moec wrote.
@Suite struct TransformersTests {
  /// A Python with transformers, named by MOEC_TORCH_PYTHON or the usual one.
  private static let python: String? = {
    let named = ProcessInfo.processInfo.environment["MOEC_TORCH_PYTHON"] ?? "python3"
    let test = try? Command.run("/usr/bin/env", [named, "-c", "import torch, transformers"])
    return test?.status == 0 ? named : nil
  }()

  /// A folder that was exported, and beside it the one that it came from.
  private func export(
    _ model: DecoderModel, _ weights: String, of folder: Folder, trained: Bool = false
  ) throws -> String {
    let export = try FolderExport(model, weights: weights)
    let place = try ModelFixture.folder() + "/exported"
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try export.writeWeights(to: place + "/model.safetensors")
    try Data(try export.config()).write(to: URL(fileURLWithPath: place + "/config.json"))
    try FileManager.default.copyItem(atPath: folder.path, toPath: place + "/from")
    if trained {
      let expected = place + "/from/expected.safetensors"
      try FileManager.default.removeItem(atPath: expected)
      try FileManager.default.copyItem(
        atPath: "\(folder.path)/\(Folder.trainedName).safetensors", toPath: expected)
    }
    return place
  }

  @Test(
    "transformers loads what was exported without a word, and computes the same",
    .enabled(if: python != nil, "needs a Python with torch and transformers, or MOEC_TORCH_PYTHON"))
  func transformersLoadsIt() throws {
    var places: [String] = []
    for name in Folder.names {
      let folder = try Folder(name)
      let (source, _, weights) = try folder.imported()
      var model = source.model
      model.longest = 9
      places.append(try export(model, weights, of: folder))
      let trained = try folder.trained()
      places.append(try export(model, trained.weights, of: folder, trained: true))
    }
    // Mixtures compute what the dense folders do that they were made of.
    for one in UpcycledFolderTests.cases where one.architecture != nil {
      let folder = try Folder(one.folder)
      let (_, graph, weights) = try folder.upcycled(one.shape)
      places.append(try export(try DecoderModel(graph: graph), weights, of: folder))
    }
    let script = Moec.repository.appendingPathComponent("Tests/Fixtures/make_folder_fixtures.py")
    let run = try Command.run(
      "/usr/bin/env", [Self.python ?? "python3", script.path, "--load"] + places)
    #expect(run.status == 0, "\(run.errors)")
    let differences = run.output.matches(of: /"difference": (\S+)\}/)
      .compactMap { Double($0.output.1) }
    #expect(differences.count == places.count, "\(run.output)\(run.errors)")
    #expect(differences.allSatisfy { $0 < 1e-5 }, "\(run.output)")
  }
}
