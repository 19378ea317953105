import CompiledModels
import Foundation
import GraphIR
import Passes
import Testing

@testable import Planning

/// What every plan promises, shown on the reference model and on every sample.
@Suite struct PlanTests {
  static let models = [
    MakeMoE("makemoe") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (16, 32, 65, 128, 8, 8)
      ($0.experts, $0.dropout) = (8, 0.1)
    },
    MakeMoE("capacity") {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.depth) = (16, 32, 65, 128, 8, 8)
      ($0.experts, $0.dropout, $0.capacity) = (8, 0.1, 1)
    },
    MakeMoE("plain") { ($0.isNoisy, $0.depth) = (false, 3) },
    MakeMoE("one-layer") { $0.depth = 1 },
  ]

  static let plans: [(name: String, plan: Plan)] =
    models.compactMap { model in
      (try? Pipelines.plan(model.graph())).map { (model.name, $0) }
    }
    + OpKind.allSamples.compactMap { sample in
      (try? Pipelines.plan(sample.graph)).map { (sample.name, $0) }
    }

  @Test("Every model and every sample has a plan")
  func allArePlanned() {
    #expect(Self.plans.count == Self.models.count + OpKind.allSamples.count)
  }

  @Test("Eight identical blocks become one layer")
  func outlining() throws {
    let plan = try Pipelines.plan(Self.models[0].graph())
    #expect(plan.layers.map(\.name) == ["input", "block", "output"])
    #expect(plan.uses.map(\.layer) == [0] + Array(repeating: 1, count: 8) + [2])
    #expect(plan.uses.map(\.instance) == [0, 0, 1, 2, 3, 4, 5, 6, 7, 0])
    // Every use has streams and saved buffers of its own.
    #expect(Set(plan.uses[1...8].map(\.firstStream)).count == 8)
    #expect(Set(plan.uses[1...8].map(\.savedOffset)).count == 8)
  }

  @Test(
    "A table that is the head too lies as the head reads it, and its gradient grows in one place")
  func tiedTables() throws {
    let tied = MakeMoE("tied") { ($0.V, $0.C, $0.isNoisy, $0.isTied) = (33, 24, false, true) }
    let plan = try Pipelines.plan(tied.graph())
    let table = try #require(plan.parameters.first { $0.name == "token.weight" })
    #expect(table.master.layout == .panels(stack: 1, outputs: 33, inputs: 24))
    let begun = try #require(plan.edges.first { $0.storage.region == .gradients })
    #expect(begun.storage == table.gradient)
    #expect(plan.layers.flatMap { $0.forward + $0.backward }.allSatisfy { $0.op != nil })
    // The step that makes the sum a part of the lookup's gradient can be left out.
    let apart = try Plan(Pipelines.transformed(tied.graph()), omitting: ["FinishProducts"])
    #expect(apart.edges.allSatisfy { $0.storage.region != .gradients })
    #expect(apart.parameters.first { $0.name == "token.weight" }?.master.layout == .rowMajor)
  }

  @Test("Layers that differ are not one")
  func differentLayers() throws {
    let short = try Pipelines.plan(Self.models[2].graph())
    let one = try Pipelines.plan(Self.models[3].graph())
    #expect(short.uses.count == 5)
    #expect(one.uses.count == 3)
  }

  @Test("Every node that computes something is in a call, in its own use and direction")
  func nodesOfCalls() {
    for (name, plan) in Self.plans {
      var found: [Phase: Set<Int>] = [:]
      for use in plan.uses {
        let layer = plan.layers[use.layer]
        #expect(use.forwardNodes.count == layer.forward.count, "\(name)")
        #expect(use.backwardNodes.count == layer.backward.count, "\(name)")
        for (call, nodes) in zip(
          layer.forward + layer.backward, use.forwardNodes + use.backwardNodes)
        where nodes.isEmpty {
          // What only brings a value to another extent stands in no graph.
          #expect(call.action == .fit, "\(name)")
        }
        found[.forward, default: []].formUnion(use.forwardNodes.joined())
        found[.backward, default: []].formUnion(use.backwardNodes.joined())
        for node in (use.forwardNodes + use.backwardNodes).joined() where !use.scope.isEmpty {
          #expect(plan.graph.nodes[node].scope.hasPrefix(use.scope), "\(name)")
        }
      }
      for (index, node) in plan.graph.nodes.enumerated()
      where node.op.kind != .input && node.op.kind != .parameter {
        let line = plan.graph.line(of: index)
        #expect(found[node.phase]?.contains(index) == true, "\(name) \(line)")
      }
    }
  }

  @Test("Parameters lie one after the other and are all of the graph's, each once")
  func parameters() {
    for (name, plan) in Self.plans {
      let graph = plan.graph.parameters.map(\.parameter.name)
      #expect(plan.parameters.map(\.name).sorted() == graph.sorted(), "\(name)")
      var ends: [Region: Int] = [:]
      for storage in plan.parameters.flatMap(\.storages) {
        let alignment = storage.region == .steps ? storage.element.bytes : Regions.alignment
        #expect(storage.offset == ends[storage.region] ?? 0, "\(name)")
        #expect(storage.offset % alignment == 0 && storage.bytes >= storage.contentBytes)
        ends[storage.region] = storage.offset + storage.bytes
      }
      for (region, end) in ends {
        let bytes = plan.regions.bytes(of: region)
        #expect(end <= bytes && bytes < end + Regions.alignment, "\(name)")
      }
    }
  }

  @Test("Classes of memory add up to the arena")
  func memory() {
    for (name, plan) in Self.plans {
      let (memory, regions) = (plan.memory, plan.regions)
      #expect(memory.total == regions.total && memory.total > 0, "\(name)")
      #expect(
        memory.parameters + memory.gradients + memory.optimizer + memory.saved + memory.scratch
          == regions.total, "\(name)")
      let starts = Region.allCases.map { regions[$0] } + [regions.total]
      #expect(starts == starts.sorted(), "\(name)")
      #expect(starts.allSatisfy { $0 % Regions.alignment == 0 }, "\(name)")
      let hasAll = plan.parameters.allSatisfy { $0.update.isLearned }
      #expect((memory.gradients == memory.parameters) == hasAll, "\(name)")
    }
  }

  /// A [T, T] matrix per head, kept anywhere, would show as bytes per token that grow with T.
  @Test("Activations take as many bytes per token in a long context as in a short one")
  func longContext() throws {
    let perToken = try [32, 256, 1024].map { length in
      let model = MakeMoE("long") { ($0.T, $0.depth, $0.dropout) = (length, 2, 0.1) }
      let plan = try Pipelines.plan(model.graph())
      return Double(plan.memory.saved + plan.memory.scratch) / Double(model.B * length)
    }
    #expect(perToken.allSatisfy { $0 <= perToken[0] }, "\(perToken)")
  }

  @Test("Saved buffers lie apart, and the uses' lie apart")
  func savedBuffers() {
    for (name, plan) in Self.plans {
      var ranges = plan.edges.filter { $0.role == .activation }
        .map { $0.offset..<$0.offset + $0.bytes }
      for use in plan.uses {
        ranges += plan.layers[use.layer].saved.map { buffer in
          let start = use.savedOffset + buffer.offset
          return start..<start + buffer.bytes
        }
      }
      expectApart(ranges, "\(name), saved")
      #expect(ranges.allSatisfy { $0.upperBound <= plan.memory.saved }, "\(name)")
    }
  }

  /// Of models only: samples add up their results, and keep what gives the sum's gradient its shape.
  @Test("Whatever is saved is written by forward and read by backward or the optimizer")
  func savedBuffersAreRead() {
    for (name, plan) in Self.plans.prefix(Self.models.count) {
      for layer in plan.layers {
        for index in layer.saved.indices {
          let isWritten = layer.forward.contains { call in
            call.results.contains { $0.place == .saved(index) }
          }
          let isRead = layer.backward.contains { $0.inputs.contains { $0.place == .saved(index) } }
          let isStart = layer.parameters.contains { $0.start == .saved(index) }
          #expect(isWritten, "\(name): \(layer.name).\(layer.saved[index].name)")
          #expect(isRead || isStart, "\(name): \(layer.name).\(layer.saved[index].name)")
        }
      }
    }
  }

  @Test("Scratch buffers that are in use at the same time never overlap")
  func scratchBuffers() {
    for (name, plan) in Self.plans {
      for layer in plan.layers {
        expectApart(layer.forwardScratch, layer.forward, "\(name): \(layer.name) forward")
        expectApart(layer.backwardScratch, layer.backward, "\(name): \(layer.name) backward")
        let all = layer.forwardScratch + layer.backwardScratch
        let room = plan.regions.bytes(of: .scratch)
        #expect(all.allSatisfy { $0.offset + $0.bytes <= room }, "\(name): \(layer.name)")
      }
    }
  }

  @Test("Gradients between layers that are in use at the same time never overlap")
  func edges() {
    for (name, plan) in Self.plans {
      let lives = plan.edges.indices.filter { plan.edges[$0].role == .gradient }.map { index in
        let steps = plan.uses.indices.filter { plan.uses[$0].backwardEdges.contains(index) }
        return (plan.edges[index].offset, plan.edges[index].bytes, steps)
      }
      for (number, a) in lives.enumerated() {
        for b in lives[(number + 1)...] {
          guard let first = a.2.min(), let last = a.2.max(), let start = b.2.min(),
            let end = b.2.max(), first <= end, start <= last
          else { continue }
          #expect(a.0 + a.1 <= b.0 || b.0 + b.1 <= a.0, "\(name)")
        }
      }
    }
  }

  /// A buffer is in use from the first call that mentions it to the last.
  private func expectApart(_ buffers: [Buffer], _ calls: [Call], _ what: String) {
    let lives = buffers.indices.map { index in
      calls.indices.filter { position in
        calls[position].operands.contains { $0.place == .scratch(index) }
      }
    }
    for a in buffers.indices {
      for b in buffers.indices where a < b {
        guard let firstA = lives[a].first, let lastA = lives[a].last, let firstB = lives[b].first,
          let lastB = lives[b].last, firstA <= lastB, firstB <= lastA
        else { continue }
        // A result may take the place of an operand that is used for the last time.
        if lastA == firstB || lastB == firstA {
          if isInPlace(calls[max(firstA, firstB)], buffers[a], buffers[b]) { continue }
        }
        let (x, y) = (buffers[a], buffers[b])
        let isApart = x.offset + x.bytes <= y.offset || y.offset + y.bytes <= x.offset
        #expect(isApart, "\(what): \(x.name) and \(y.name)")
      }
    }
  }

  private func isInPlace(_ call: Call, _ a: Buffer, _ b: Buffer) -> Bool {
    guard case .pointwise = call.op else { return false }
    return a.offset == b.offset && a.bytes == b.bytes
  }

  private func expectApart(_ ranges: [Range<Int>], _ what: String) {
    let sorted = ranges.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
    for (a, b) in zip(sorted, sorted.dropFirst()) {
      #expect(a.upperBound <= b.lowerBound, "\(what): \(a) and \(b)")
    }
  }
}

extension PlanTests {
  @Test("Room for several batches is none of the plan's, which says that it is wanted")
  func accumulation() throws {
    for model in Self.models {
      let graph = try Pipelines.transformed(model.graph())
      let (plan, with) = (try Plan(graph), try Plan(graph, accumulates: true))
      #expect(with.regions == plan.regions && with.layers == plan.layers, "\(model)")
      #expect(with.text != plan.text)
    }
  }
}
