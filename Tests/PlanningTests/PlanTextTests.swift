import CompiledModels
import Foundation
import GraphIR
import Planning
import Testing

/// The text of a plan tells all of it: what is read back is the same plan.
@Suite struct PlanTextTests {
  private static let layered: [(name: String, plan: Plan)] = LayeredModel.Form.allCases.compactMap {
    form in (try? Pipelines.plan(LayeredModel(form).graph())).map { (form.rawValue, $0) }
  }

  @Test("Every plan reads back as it was")
  func readsBack() throws {
    #expect(Self.layered.count == LayeredModel.Form.allCases.count)
    for (name, plan) in PlanTests.plans.map({ ($0.name, $0.plan) }) + Self.layered {
      let read = try Plan(parsing: plan.text, of: plan.graph)
      #expect(read.text == plan.text, "\(name)")
      #expect(read == plan, "\(name)")
      #expect(read.generation == plan.generation && read.summary == plan.summary, "\(name)")
    }
  }

  @Test("Options are part of it")
  func options() throws {
    let graph = try Pipelines.transformed(PlanTests.models[0].graph())
    let plan = try Plan(graph, accumulates: true)
    #expect(plan.text.contains("\noptions accumulates\n"))
    #expect(try Plan(parsing: plan.text, of: graph) == plan)
  }

  @Test("It has what ranks exchange, in order, whatever their number")
  func exchanges() throws {
    let graph = try PlanTests.models[0].graph()
    let plan = try Pipelines.plan(graph)
    let lines = plan.text.split(separator: "\n").drop { $0 != "exchanges of ranks, in order" }
      .dropFirst().filter { !$0.hasPrefix("  #") }
    let steps = Exchanges(plan, ranks: 2, batches: 1).steps
    #expect(lines.count == steps.count && steps.count > 10)
    for (index, (line, step)) in zip(lines, steps).enumerated() {
      #expect(line.hasPrefix("  \(index) \(step.kind.rawValue) of \"\(step.name)\""), "\(line)")
      if let layer = step.layer { #expect(line.contains(" in \"\(layer)\", ")) }
    }
    // Those of libraries that older compilers made have none.
    let end = try #require(plan.text.range(of: "exchanges of ranks")).lowerBound
    #expect(try Plan(parsing: String(plan.text[..<end]), of: plan.graph) == plan)
    #expect(throws: Diagnostic.self) {
      try Plan(parsing: plan.text + "  99 all-to-all\n", of: plan.graph)
    }
  }

  @Test("It shows last steps, joins, streams, gathered rows and how threads make the calls")
  func decisions() throws {
    let text = try Pipelines.plan(PlanTests.models[0].graph()).text
    for shown in [
      "then x1 + x0 * keep(stream 1, rate 0.1)", "then relu(x0)",
      "weights p.attention_query_weight p.attention_key_weight p.attention_value_weight)",
      "attention(projections s.attention_query_key_value) {heads [H]",
      "source s.mixture_source", "; then adamw", "\n    by sequence\n", "\n    together\n",
      "\n    in turn\n", "experts from s.mixture_start", "updated in backward", "T! 32",
    ] {
      #expect(text.contains(shown), "\(shown)")
    }
  }

  @Test(
    "What cannot be read is refused where it stands",
    arguments: [
      ("plan of", "plans of", "1:1"), ("  parameters ", "  parameter ", "error"),
      ("rows s.final", "rows s.finals", "there is no s.finals here"),
      ("layer block", "layer other", "there is no layer block"),
      ("f32 at 0", "f32 at nothing", "expected its place"),
      ("of values", "of value", "expected a region"),
      ("  total      ", "  total      1", "memory is not the sum"),
      ("scratch at ", "scratch at 1", "one behind the other"),
      (", second moments", "", "has no second moments"), ("in panels", "in panel", "error"),
      (", parameters from 0", ", parameters from 9", "begin with 9, expected 0"),
      ("forward with ", "forward with 99", "is given what the plan does not have"),
      ("together", "apart", "unknown role apart"), ("linear(", "linearly(", "unknown op linearly"),
      ("0 all-to-all of \"gradients", "0 all-gather of \"gradients", "expected \"0 all-to-all of"),
      (
        "\nexchanges of ranks, in order\n", "\nexchanges of ranks, in order\n  0 all-to-all",
        "error"
      ),
    ])
  func refused(old: String, new: String, expected: String) throws {
    let plan = try Pipelines.plan(PlanTests.models[0].graph())
    let place = try #require(plan.text.range(of: old))
    let text = plan.text.replacingCharacters(in: place, with: new)
    do {
      _ = try Plan(parsing: text, of: plan.graph)
      Issue.record("\(new) was read")
    } catch {
      #expect("\(error)".contains(expected), "\(error)")
    }
  }
}
