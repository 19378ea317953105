import CompiledModels
import GraphIR
import Testing

@testable import Planning

@Suite struct PlacementTests {
  private func block(_ bytes: Int, _ life: ClosedRange<Int>) -> Placement.Block {
    Placement.Block(bytes: bytes, life: life)
  }

  @Test("Blocks that never live together share a place")
  func sharing() {
    let placement = Placement([block(64, 0...1), block(128, 2...3), block(64, 4...4)])
    #expect(placement.offsets == [0, 0, 0])
    #expect(placement.bytes == 128)
  }

  @Test("Blocks that live together lie apart, in the gaps where they fit")
  func gaps() {
    let placement = Placement([block(256, 0...1), block(64, 1...5), block(128, 2...3)])
    #expect(placement.bytes == 320)
    #expect(placement.offsets == [0, 256, 0])
  }

  @Test("Random blocks")
  func random() {
    var state: UInt64 = 1
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<200 {
      let blocks = (0..<20).map { _ in
        let start = next(30)
        return block(64 * (1 + next(9)), start...start + next(10))
      }
      let placement = Placement(blocks)
      for a in blocks.indices {
        for b in blocks.indices where a < b && blocks[a].life.overlaps(blocks[b].life) {
          let (x, y) = (placement.offsets[a], placement.offsets[b])
          #expect(x + blocks[a].bytes <= y || y + blocks[b].bytes <= x)
        }
      }
    }
  }
}

/// What lies in the arena, and where.
@Suite struct StorageTests {
  @Test("Bytes are those of the element, of padding, and of the region's alignment")
  func bytes() {
    let type = TensorType.f32(Axis("O", 17), Axis("I", 3))
    let plain = Storage(type, in: .values)
    #expect(plain.contentBytes == 204 && plain.storedBytes == 204 && plain.bytes == 256)
    let panels = Storage(type, .panels(stack: 1, outputs: 17, inputs: 3), in: .gradients)
    #expect(panels.contentBytes == 204 && panels.storedBytes == 384 && panels.bytes == 384)
    #expect(Storage(.f32, count: 5, in: .steps).bytes == 20)
  }

  @Test("Storages of a region lie behind each other, and regions too")
  func regions() {
    var arena = ArenaPlacement()
    var storages = [Region.values, .gradients, .values].map { Storage(.i32, count: 17, in: $0) }
    for index in storages.indices { arena.append(&storages[index]) }
    #expect(storages.map(\.offset) == [0, 0, 128])
    arena.share(100, in: .scratch)
    arena.share(40, in: .scratch)
    #expect(arena.append(20, to: .steps) == 0)
    let regions = arena.regions
    #expect(regions[.gradients] == 256 && regions.bytes(of: .steps) == 64)
    #expect(regions[.scratch] == 448 && regions.total == 576)
    #expect(Memory(regions).total == 576)
  }

  @Test("A parameter with a storage that products read is in the plan's text, and read back")
  func working() throws {
    var plan = try Pipelines.plan(PlanTests.models[3].graph())
    plan.parameters[0].working = Storage(plan.parameters[0].type, in: .working)
    plan.parameters[0].working?.offset = 64
    #expect(
      plan.text.contains(
        " f32 at 0 of values; f32 at 64 of working values; f32 at 0 of gradients, first"))
    #expect(try Plan(parsing: plan.text, of: plan.graph) == plan)
  }
}
