import CompiledModels
import GraphIR
import Passes
import Testing

@testable import Planning

/// Equal layers are one C function, wherever `layers(…)` stands, and where not, a note says why.
@Suite struct OutliningTests {
  static let oneEach = LayeredModel.distinct.keys.sorted { $0.rawValue < $1.rawValue }
  static let passes = Set(Pipeline.standard.filter { !$0.isRequired }.map(\.name)).sorted()

  @Test("Each kind of layer is planned once, at any depth", arguments: oneEach, [2, 4, 12])
  func once(form: LayeredModel.Form, depth: Int) throws {
    let plan = try Pipelines.plan(LayeredModel(form, depth: depth).graph())
    #expect(plan.layers.count == LayeredModel.distinct[form], "\(plan.layers.map(\.name))")
    #expect(plan.notes.isEmpty, "\(plan.notes)")
  }

  @Test("Without any one of the passes too", arguments: oneEach, passes)
  func onceWithout(form: LayeredModel.Form, pass: String) throws {
    let plan = try Pipelines.plan(LayeredModel(form).graph(), omitting: [pass])
    #expect(plan.layers.count == LayeredModel.distinct[form], "\(plan.layers.map(\.name))")
  }

  @Test("A scope around layers changes their paths and nothing else")
  func scoped() throws {
    let plain = try Pipelines.plan(LayeredModel(.plain).graph())
    let scoped = try Pipelines.plan(LayeredModel(.scoped).graph())
    #expect(scoped.uses.map(\.scope)[1] == "decoder.block.0")
    #expect(scoped.memory == plain.memory)
    for (a, b) in zip(plain.layers, scoped.layers) {
      #expect(a.name == b.name && a.parameters == b.parameters)
      #expect(a.forward.map(\.action) == b.forward.map(\.action))
      #expect(a.backward.map(\.action) == b.backward.map(\.action))
    }
  }

  @Test("Layers within layers run between what is before and after them")
  func nested() throws {
    let plan = try Pipelines.plan(LayeredModel(.nested, depth: 2).graph())
    #expect(plan.layers.map(\.name) == ["input", "outer", "inner", "outer_after", "output"])
    #expect(
      plan.uses.map(\.scope) == [
        "", "outer.0", "outer.0.inner.0", "outer.0.inner.1", "outer.0.inner.2", "outer.0",
        "outer.1", "outer.1.inner.0", "outer.1.inner.1", "outer.1.inner.2", "outer.1", "",
      ])
  }

  @Test(
    "Different layers of one name are called by what tells them apart",
    arguments: [
      (LayeredModel.Form.mixed, ["block", "block_erf"]),
      (.skip, ["block", "block_next", "block_last"]),
      (.shared, ["block", "block_next", "block_last"]),
    ])
  func layerNames(form: LayeredModel.Form, expected: [String]) throws {
    let plan = try Pipelines.plan(LayeredModel(form).graph())
    #expect(plan.layers.map(\.name) == ["input"] + expected + ["output"])
  }

  @Test("Names of layers say what is more, then what is less, then where; else there is a letter")
  func differences() {
    var names = LayerNames()
    let words = [
      ["norm", "relu"], ["norm", "gelu"], ["norm"], ["norm"], ["norm", "relu"], ["norm"],
    ]
    #expect(
      words.map { names.name("block", madeOf: $0, isLast: false) } == [
        "block", "block_gelu", "block_without_relu", "block_next", "block_b", "block_c",
      ])
    #expect(names.name("block_gelu", madeOf: [], isLast: true) == "block_gelu_b")
  }

  @Test("The number of functions does not grow with depth where layers reach past each other")
  func bounded() throws {
    for form in [LayeredModel.Form.skip, .shared] {
      let counts = try [4, 8, 16].map {
        try Pipelines.plan(LayeredModel(form, depth: $0).graph()).layers.count
      }
      #expect(Set(counts) == [5], "\(form): \(counts)")
    }
  }

  @Test(
    "Equal layers that are not one are a note that says what is different",
    arguments: [
      (LayeredModel.Form.shared, "block.0 learns gain, which block.1 only reads"),
      (
        .skip,
        "4 uses of one layer are 3 functions in C: block.0 and block.1 read alike, but block.0"
      ),
      (.routed, "4 uses of one layer are 3 functions in C: block.0 and block.1 read alike, but"),
      (.offset, "the gradient of offset is made in another layer than its own"),
    ])
  func notes(form: LayeredModel.Form, expected: String) throws {
    let plan = try Pipelines.plan(LayeredModel(form).graph())
    #expect(plan.notes.count == 1, "\(plan.notes)")
    #expect(plan.notes.first?.note.contains(expected) == true, "\(plan.notes)")
    #expect(plan.notes.first?.location != nil)
  }

  @Test("Products of the same rows before and behind layers are two, so that layers stay functions")
  func productsAroundLayers() throws {
    let plan = try Pipelines.plan(GatedModel { $0.reachesPast = true }.graph())
    #expect(plan.notes.isEmpty)
    #expect(plan.layers.map(\.name).contains("block"))
    #expect(plan.parameters.filter { $0.name.hasPrefix("behind") }.count == 2)
  }

  @Test("Names are for people: a layer's nodes may be called anything, and a name makes no layer")
  func names() throws {
    var graph = try Pipeline().run(LayeredModel(.plain).graph())
    for index in graph.nodes.indices { graph.nodes[index].layer = nil }
    let unmarked = try Plan(graph)
    #expect(unmarked.layers.map(\.name) == ["body"] && unmarked.notes.isEmpty)
    #expect(try Plan(Graph(parsing: graph.text)).text == unmarked.text)
  }
}
