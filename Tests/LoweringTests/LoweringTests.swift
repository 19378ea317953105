import CompiledModels
import GraphIR
import Interpreter
import Lowering
import Testing

/// What lowering steps promise: a model's numbers stay, whichever step is left out.
@Suite struct LoweringTests {
  private static let names = LoweringPipeline.steps.map(\.name)

  @Test("Every model and every sample is lowered, and its calls cost what its nodes do")
  func allAreLowered() throws {
    #expect(LoweringModels.all.count > OpKind.allSamples.count + 5)
    for (name, graph) in LoweringModels.all {
      let program = try LoweringPipeline.run(graph)
      for phase in [Phase.forward, .backward] {
        #expect(program.cost(phase) == graph.cost(phase), "\(name)")
      }
    }
  }

  @Test("After each step a program computes what its graph does")
  func eachStep() throws {
    for (name, graph) in LoweringModels.all {
      let interpreter = LoweringModels.interpreter(graph)
      let expected = try interpreter.run()
      var programs: [(String, Program)] = []
      _ = try LoweringPipeline.run(graph) { report in
        if report.changed { programs.append((report.name, report.program)) }
      }
      for (step, program) in programs {
        let run = try ProgramInterpreter(program, like: interpreter).run()
        for binding in graph.outputs {
          let (a, b) = (run[binding.output]?.floats ?? [], expected[binding.output]?.floats ?? [])
          let distance = LoweringModels.distance(a, b)
          #expect(distance < 1e-9, "\(name), after \(step): \(binding.output) \(distance)")
        }
      }
    }
  }

  @Test("Each step can be left out", arguments: names)
  func leftOut(step: String) throws {
    var changed = 0
    for (name, graph) in LoweringModels.all {
      let interpreter = LoweringModels.interpreter(graph)
      let program = try LoweringPipeline.run(graph, omitting: [step])
      if try program != LoweringPipeline.run(graph) { changed += 1 }
      let (run, expected) = (
        try ProgramInterpreter(program, like: interpreter).run(), try interpreter.run()
      )
      for binding in graph.outputs {
        let (a, b) = (run[binding.output]?.floats ?? [], expected[binding.output]?.floats ?? [])
        #expect(LoweringModels.distance(a, b) < 1e-9, "\(name): \(binding.output)")
      }
    }
    #expect(changed > 0, "leaving \(step) out changes nothing anywhere")
  }

  @Test("A shorter text has the logits that its graph gives it")
  func shorterText() throws {
    for (name, graph) in LoweringModels.all where graph[.logits] != nil {
      let interpreter = LoweringModels.interpreter(graph, sequences: 1, length: 3)
      var forward = try LoweringPipeline.run(graph)
      forward.calls.removeAll { $0.phase == .backward || $0.op?.kind == .crossEntropy }
      let run = try ProgramInterpreter(forward, like: interpreter).run()
      let expected = try interpreter.run([.logits])
      let distance = LoweringModels.distance(
        run[.logits]?.floats ?? [], expected[.logits]?.floats ?? [.nan])
      #expect(distance < 1e-9, "\(name): \(distance)")
    }
  }

  @Test("The text of a program reads back, after each step")
  func textReadsBack() throws {
    for (name, graph) in LoweringModels.all {
      var reports: [LoweringReport] = []
      _ = try LoweringPipeline.run(graph) { reports.append($0) }
      for report in reports where report.changed {
        let read = try Program(parsing: report.program.text)
        #expect(read == report.program, "\(name), after \(report.name)")
        #expect(read.text == report.program.text)
      }
    }
  }

  @Test("Names that are no step's are refused, and so is that of the first one")
  func refusedNames() throws {
    let graph = try #require(LoweringModels.all.first?.graph)
    for name in ["LowerOps", "FinishProduct"] {
      #expect(throws: Diagnostic.self) { try LoweringPipeline.run(graph, omitting: [name]) }
    }
  }

  @Test("In makemoe each step does its work")
  func makemoe() throws {
    let graph = try #require(LoweringModels.all.first?.graph)
    var reports: [LoweringReport] = []
    let program = try LoweringPipeline.run(graph) { reports.append($0) }
    #expect(reports.map(\.name) == LoweringPipeline.names)
    let unchanged = reports.filter { !$0.changed }.map(\.name)
    #expect(unchanged.isEmpty)
    #expect(!program.calls.contains { $0.op?.kind == .dispatch })
    #expect(program.calls.contains { $0.kernel[.source] != nil && $0.op?.kind == .linear })
    #expect(program.calls.contains { $0.kernel.all(.weights).count == 3 })
    #expect(program.calls.contains { $0.kernel.finish != nil && $0.op?.kind == .combine })
    #expect(program.calls.filter(\.updates).count > 10)
  }
}
