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
