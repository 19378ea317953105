import CompiledModels
import GraphIR
import ModelRuntime
import Planning
import Testing

/// Libraries that give logits and nothing else, beside what transformers computes.
@Suite struct InferenceTests {
  @Test(
    "Logits of whole texts and of texts that grow are transformers'",
    arguments: ["llama", "gpt2", "gpt-oss", "qwen2-moe", "deepseek-v3"])
  func agrees(_ name: String) throws {
    let family = try FamilyFixture(name)
    let fixture = family.fixture
    let compiled = try CompiledModel(family.model.graph(), infers: true)
    let manifest = compiled.library.manifest
    #expect(manifest.infers && manifest.batch == 1)
    #expect(compiled.plan.memory.gradients == 0 && compiled.plan.memory.optimizer == 0)
    #expect(compiled.plan.head != nil)
    #expect(try Plan(parsing: compiled.plan.text, of: compiled.plan.graph) == compiled.plan)
    let model = try Model(compiled.library)
    model.initialize(seed: 0)
    for (name, values) in try fixture.initial() { try model.write(values, named: name) }
    let (length, width) = (manifest.context, manifest.vocabulary)
    let tokens = try fixture.integers("tokens", step: 0)
    let expected = try #require(try fixture.numbers("logits"))
    let largest = expected.map(abs).max() ?? 1
    for start in stride(from: 0, to: tokens.count, by: length) {
      let text = Array(tokens[start..<start + length])
      let whole = try model.logits(tokens: text, seed: 1)
      let rows = Array(expected[start * width..<(start + length) * width])
      #expect(Self.difference(whole, rows) < 1e-4 * largest)
      // Forwards, back to where the text was another one, and forwards again.
      for end in [1, 3, 4, length, 2, length - 1] {
        let next = try model.next(tokens: Array(text.prefix(end)), seed: 1)
        let row = Array(rows[(end - 1) * width..<end * width])
        #expect(Self.difference(next, row) < 1e-4 * largest, "after \(end)")
      }
      #expect(try model.logits(tokens: text, seed: 1) == whole)
    }
  }

  private static func difference(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
  }

  /// A library that learns gives the same next logits as one that does not.
  @Test func nextIsTheLastOfAll() throws {
    let family = try FamilyFixture("mixtral")
    let compiled = try CompiledModel(family.model.graph())
    let model = try Model(compiled.library)
    model.initialize(seed: 3)
    let tokens = try family.fixture.integers("tokens", step: 0)
    for end in [2, 5, 9] {
      let text = Array(tokens.prefix(end))
      let last = try model.logits(tokens: text, seed: 1).suffix(model.manifest.vocabulary)
      #expect(try model.next(tokens: text, seed: 1) == Array(last))
    }
    #expect(throws: ModelError.self) { try model.next(tokens: [], seed: 1) }
  }

  @Test func whatLearnsIsRefused() throws {
    let family = try FamilyFixture("llama")
    let compiled = try CompiledModel(family.model.graph(), infers: true)
    let model = try Model(compiled.library)
    let tokens = [Int32](repeating: 0, count: model.manifest.context)
    func reason(_ work: () throws -> Void) -> String {
      do {
        try work()
        return ""
      } catch {
        return "\(error)"
      }
    }
    let refused = "this library was compiled with --inference"
    #expect(
      reason { _ = try model.loss(tokens: tokens, targets: tokens, seed: 1) }.contains(refused))
    #expect(
      reason { _ = try model.gradients(tokens: tokens, targets: tokens, seed: 1) }.contains(refused)
    )
    let hyper = Hyperparameters(model.manifest.defaults, seed: 1)
    #expect(
      reason { _ = try model.trainStep(tokens: tokens, targets: tokens, with: hyper) }
        .contains(refused))
  }

  /// Keys and values, a pass, and logits of a few positions: less than what one layer of training saves.
  @Test func memoryIsThatOfAPass() throws {
    let graph = try FamilyModel(.llama) {
      ($0.T, $0.C, $0.F, $0.V, $0.depth) = (256, 64, 192, 512, 8)
      ($0.heads, $0.keyHeads, $0.headDepth, $0.experts) = (8, 2, 8, 0)
    }.graph()
    let plan = try CompiledModel(graph, infers: true).plan
    let keys = 2 * 256 * 16 * 4 * 8
    #expect(plan.memory.saved + plan.memory.scratch < keys + 256 * (64 * 8 + 192 * 3) * 4)
  }
}
