import Foundation
import ModelFixtures
import Testing

@testable import Runner

/// Weights with a number that is none, shown by every command as what they are.
@Suite struct NotFiniteTests {
  /// Weights of the fixture with a router, one of them NaN.
  private func damagedWeights() throws -> String {
    let session = try sampleSession(library: ModelFixture.routed())
    var token = try session.model.read(.value, 0)
    token[token.count / 2] = .nan
    try session.model.write(token, .value, 0)
    let path = try ModelFixture.folder() + "/nan.safetensors"
    try session.save(to: path, step: 0, TrainingSettings())
    return path
  }

  @Test(
    "No command shows a model that gives no numbers as a good one",
    arguments: [
      ["--evaluate", "--eval-batches", "2"], ["--route", "abcdefghij"],
      ["--route", "abcdefghij", "--html", "routes.html"],
      ["--generate", "--prompt", "abcdefghij"], ["--train", "--steps", "2"],
    ])
  func isRefused(arguments: [String]) throws {
    let folder = try ModelFixture.folder()
    var command = ["run", try ModelFixture.routed(), "--weights", try damagedWeights()] + arguments
    if ["--evaluate", "--train"].contains(arguments[0]) {
      command += ["--data", try fileWith(sampleText())]
    }
    let result = try Command.moec(command, in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("not finite numbers") || result.errors.contains("diverged"))
    #expect(!result.output.contains("nan") && !result.output.contains("loss"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test func aConversationEndsWithIt() throws {
    let command = [
      "run", try ModelFixture.routed(), "--weights", try damagedWeights(), "--generate",
      "--interactive", "--prompt", "abcdefghij",
    ]
    let result = try Command.moec(command)
    #expect(result.status == 1)
    #expect(result.errors.contains("the model's logits are not finite numbers"))
  }
}
