import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// The code of the DocC tutorial.
@Suite struct TutorialTests {
  private static let resources = Moec.repository.appendingPathComponent(
    "Sources/MoE/MoE.docc/Resources")

  static let steps = Result {
    try FileManager.default.contentsOfDirectory(atPath: resources.path)
      .filter { $0.hasSuffix(".swift") }.sorted()
  }

  @Test("Every step is a model, and warns of nothing but what the tutorial says")
  func steps() throws {
    let steps = try Self.steps.get()
    #expect(steps.count == 8)
    for (index, step) in steps.enumerated() {
      let path = Self.resources.appendingPathComponent(step).path
      let result = try Moec.run(["check", path])
      #expect(result.status == 0, "\(step): \(result.errors)")
      let rules = result.errors.matches(of: /warning: .*\[([a-z-]+)\]/).map { $0.output.1 }
      let scale: [Substring] = index == 2 ? ["attention-scale"] : []
      let evaluation: [Substring] = index == steps.count - 1 ? [] : ["evaluation-cost"]
      #expect(rules == scale + evaluation, "\(step)")
    }
  }

  @Test("The last one is the example itself")
  func last() throws {
    let last = try #require(try Self.steps.get().last)
    let step = try Data(contentsOf: Self.resources.appendingPathComponent(last))
    let example = Moec.repository.appendingPathComponent("Examples/makemoe.swift")
    #expect(step == (try Data(contentsOf: example)), "copy Examples/makemoe.swift to \(last)")
  }
}
