import GraphIR
import Lowering
import Testing

/// What `ProgramVerifier` refuses: for each thing that it promises a program in which it does not hold.
@Suite struct ProgramVerifierTests {
  private static let graph = LoweringModels.all[0].graph

  /// Breaks a good program and gives what the verifier says.
  private func complaint(_ breaking: (inout Program) throws -> Void) throws -> String {
    var program = try LoweringPipeline.run(Self.graph)
    try breaking(&program)
    do {
      try ProgramVerifier.verify(program, of: Self.graph)
      return ""
    } catch {
      return error.message
    }
  }

  private func index(_ program: Program, _ holds: (Program.Call) -> Bool) throws -> Int {
    let found = program.calls.firstIndex(where: holds)
    return try #require(found)
  }

  @Test("A good program is accepted")
  func good() throws { #expect(try complaint { _ in } == "") }

  @Test("Values are made before they are read, and once")
  func values() throws {
    #expect(try complaint { $0.calls.swapAt(2, 12) }.contains("before anything makes it"))
    #expect(try complaint { $0.calls.append($0.calls[0]) }.contains("forward reads") == false)
    #expect(try complaint { $0.calls.insert($0.calls[3], at: 4) }.contains("made twice"))
    #expect(try complaint { $0.types[Value(node: 9999)] = .scalar }.contains("has a type"))
  }

  @Test("Roles are those of the op")
  func roles() throws {
    let text = try complaint { program in
      let call = try index(program) { $0.op?.kind == .layerNorm }
      program.calls[call].kernel.operands.swapAt(0, 1)
    }
    #expect(text.contains("expected operands rows, weights, bias"))
    let results = try complaint { program in
      let call = try index(program) { $0.op?.kind == .linearWeightGradient }
      program.calls[call].kernel.results[0].role = .output
    }
    #expect(results.contains("expected results"))
    let plans = try complaint { $0.calls[0].kernel.action = .pack }
    #expect(plans.contains("is for plans"))
  }

  @Test("Types are those that the op makes")
  func types() throws {
    let text = try complaint { program in
      let call = try index(program) { $0.op?.kind == .linear && $0.kernel.finish == nil }
      program.types[program.calls[call].results[0]] = .f32(Axis("odd", 3))
    }
    #expect(text.contains("types are") || text.contains("side by side"))
  }

  @Test("Parts of a joined product lie side by side")
  func parts() throws {
    let text = try complaint { program in
      let call = try index(program) { $0.kernel.all(.weights).count == 3 }
      program.calls[call].kernel.operands.removeLast()
    }
    #expect(text.contains("side by side"))
  }

  @Test("Products of the same rows have as many results as weights and biases, of one shape")
  func partsApart() throws {
    func isJoined(_ call: Program.Call) -> Bool {
      call.op?.kind == .linear && call.kernel.keepsPartsApart
    }
    let results = try complaint { program in
      let call = try index(program, isJoined)
      let place = program.calls[call].kernel.operands.firstIndex { $0.role == .weights }
      program.calls[call].kernel.operands.remove(at: try #require(place))
    }
    #expect(results.contains("1 products have 2 operands bias"))
    let type = try complaint { program in
      let call = try index(program, isJoined)
      program.types[program.calls[call].results[1]] = .f32(Axis("odd", 3))
    }
    #expect(type.contains("types are") || type.contains("has not the type"))
    let place = try complaint { program in
      let call = try index(program, isJoined)
      program.calls[call].kernel.finishes[2] = Finish(.unary(.relu, .input(0)))
    }
    #expect(place.contains("takes no last step"))
  }

  @Test("A last step reads the result and all extra operands, and only some take any")
  func finishes() throws {
    let extra = try complaint { program in
      let call = try index(program) { $0.kernel[.extra] != nil && $0.op?.kind == .linear }
      program.calls[call].kernel.finish = nil
    }
    #expect(extra.contains("extra operands without a last step"))
    let only = try complaint { program in
      let call = try index(program) { $0.op?.kind == .combine && $0.kernel.finish != nil }
      program.calls[call].kernel.finish = Finish(.input(0) * .input(1))
    }
    #expect(only.contains("can only add a residual"))
    let none = try complaint { program in
      let call = try index(program) { $0.op?.kind == .softmax }
      program.calls[call].kernel.finish = Finish(.unary(.relu, .input(0)))
    }
    #expect(none.contains("takes no last step"))
  }

  @Test("Calls carry out all nodes, and cost what these do")
  func nodes() throws {
    #expect(try complaint { $0.calls[5].cost += Cost(flops: 1) }.contains("cost"))
    #expect(try complaint { $0.calls[5].nodes = [] }.contains("no call carries out"))
  }

  @Test("Weights that are read later are not updated")
  func updates() throws {
    let text = try complaint { program in
      let call = try index(program) { $0.updates }
      program.calls.swapAt(call, call)
      let later = try index(program) { $0.op?.kind == .linearInputGradient }
      let moved = program.calls.remove(at: call)
      program.calls.insert(moved, at: later)
    }
    #expect(text.contains("before anything makes it") || text.contains("is read after"))
    let wrong = try complaint { $0.calls[0].updates = true }
    #expect(wrong.contains("makes no gradient"))
  }

  @Test("Outputs exist, and gradients have their parameters' types")
  func outputs() throws {
    let missing = try complaint { $0.outputs[0].value = Value(node: 9999) }
    #expect(missing.contains("nothing makes"))
    let other = try complaint { program in
      let place = try #require(
        program.outputs.firstIndex { if case .gradient = $0.output { true } else { false } })
      program.outputs[place].value = program.sources[0].value
    }
    #expect(other.contains("has not the type of a parameter"))
  }
}
