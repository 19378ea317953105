import CompiledModels
import GraphIR
import Lowering
import Testing

@testable import Planning

/// Which calls every thread makes for sequences of its own, and what that asks of the plan.
@Suite struct CallRunTests {
  private func kinds(_ calls: ArraySlice<Call>) -> [OpKind] {
    calls.compactMap { $0.op?.kind }
  }

  @Test("In makemoe's block, all that lies between two visits to the experts is by sequence")
  func makemoe() throws {
    let plan = try Pipelines.plan(PlanTests.models[0].graph())
    let block = plan.layers[1]
    let forward = block.forwardRuns
    #expect(forward.map(\.kind) == [.bySequence, .inTurn])
    #expect(kinds(block.forward[forward[0].calls]).first == .layerNorm)
    #expect(kinds(block.forward[forward[1].calls]) == [.route, .linear, .linear, .combine])
    let backward = block.backwardRuns
    #expect(backward.map(\.kind) == [.inTurn, .together, .bySequence, .together])
    #expect(
      kinds(block.backward[backward[0].calls])
        == [.combineGradient, .linearInputGradient, .linearInputGradient])
    #expect(
      kinds(block.backward[backward[1].calls]) == [.linearWeightGradient, .linearWeightGradient])
    #expect(kinds(block.backward[backward[2].calls]).first == .dispatchGradient)
    #expect(kinds(block.backward[backward[2].calls]).last == .layerNormGradient)
    let sums = Set(kinds(block.backward[backward[3].calls]))
    #expect(sums == [.linearWeightGradient, .layerNormGradient])
  }

  /// The runs by sequence of all layers of all plans.
  private static let runs = PlanTests.plans.flatMap { name, plan in
    plan.layers.flatMap { layer in
      [(Phase.forward, layer.forwardScratch), (.backward, layer.backwardScratch)].flatMap {
        phase, scratch in
        layer.runs(phase).filter { $0.kind == .bySequence }.map {
          (name: name, calls: Array(layer.calls(phase)[$0.calls]), scratch: scratch)
        }
      }
    }
  }

  @Test("What threads use at the same time does not overlap, whichever call each has come to")
  func scratch() {
    #expect(Self.runs.count > 10)
    for (name, calls, scratch) in Self.runs {
      let used = Set(
        calls.flatMap(\.operands).compactMap {
          if case .scratch(let index) = $0.place { index } else { nil }
        })
      let places = used.map { scratch[$0].offset..<scratch[$0].offset + scratch[$0].bytes }
        .sorted { $0.lowerBound < $1.lowerBound }
      for (place, next) in zip(places, places.dropFirst()) {
        #expect(place.upperBound <= next.lowerBound, "\(name)")
      }
    }
  }

  @Test("No call of a run needs what another thread writes in it")
  func independence() {
    for (name, calls, _) in Self.runs {
      let written = Set(calls.flatMap { $0.results.map(\.place) })
      for call in calls {
        #expect(
          call.results.allSatisfy {
            $0.type.axes.first?.symbols.first?.name == "B"
          }, "\(name)")
        for input in call.inputs where written.contains(input.place) {
          #expect(input.type.axes.first?.symbols.first?.name == "B", "\(name): \(input.name)")
        }
      }
    }
  }

  @Test("Calls that are made together touch nothing that another of them writes")
  func together() {
    var count = 0
    for (name, plan) in PlanTests.plans {
      for (calls, runs) in plan.layers.flatMap({
        [($0.forward, $0.forwardRuns), ($0.backward, $0.backwardRuns)]
      }) {
        for run in runs where run.kind == .together {
          count += 1
          var written: Set<Place> = []
          for call in calls[run.calls] {
            let results = Set(call.results.map(\.place))
            #expect(written.isDisjoint(with: results.union(call.inputs.map(\.place))), "\(name)")
            written.formUnion(results)
          }
          for call in calls[run.calls] {
            #expect(written.isDisjoint(with: call.inputs.map(\.place)), "\(name)")
          }
        }
      }
    }
    #expect(count > 10)
  }

  @Test("A parameter of the batch's shape is nobody's own")
  func parameterOfBatch() throws {
    let model = MakeMoE("offset") { $0.hasOffset = true }
    let plan = try Pipelines.plan(model.graph())
    for layer in plan.layers {
      for run in layer.forwardRuns where run.kind == .bySequence {
        let operands = layer.forward[run.calls].flatMap(\.inputs)
        #expect(
          !operands.contains {
            guard case .parameter = $0.place else { return false }
            return $0.type.leads(with: plan.graph.batch)
          })
      }
    }
  }

  @Test("Sequences that do not lie one after the other are nobody's own")
  func batchInside() {
    let (B, T) = (Axis("B", 4), Axis("T", 3))
    func call(_ input: TensorType, _ result: TensorType) -> Call {
      func operand(_ index: Int, _ type: TensorType) -> Operand {
        Operand(place: .scratch(index), name: "t\(index)", type: type, layout: .rowMajor)
      }
      return Call(
        kernel: KernelCall(
          .op(.transpose(Transpose())), [.init(.operand, operand(0, input))],
          to: [.init(.output, operand(1, result))]),
        updates: nil, scope: "", location: nil)
    }
    #expect(!call(.f32(T, B), .f32(B, T)).keepsSequencesApart(B))
    #expect(!call(.f32(B, T, B), .f32(B, B, T)).keepsSequencesApart(B))
    #expect(call(.f32(B, T, T), .f32(B, T, T)).keepsSequencesApart(B))
  }
}
