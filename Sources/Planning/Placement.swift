/// Places of blocks of memory such that blocks that live at the same time do not overlap.
///
/// Greedy by size, the usual heuristic for static memory plans (Pisarchyk and Lee 2020).
struct Placement {
  struct Block {
    var bytes: Int

    /// The steps during which the block is in use.
    var life: ClosedRange<Int>
  }

  private(set) var offsets: [Int]

  /// The bytes that all blocks together need.
  private(set) var bytes = 0

  init(_ blocks: [Block]) {
    offsets = Array(repeating: 0, count: blocks.count)
    var alive: [Int: [Int]] = [:]
    // Ties go to the earlier block, so that the result is the same every time.
    let order = blocks.indices.sorted { (blocks[$0].bytes, $1) > (blocks[$1].bytes, $0) }
    for index in order {
      // One that lives at several of the steps is met several times, which changes nothing.
      let rivals = blocks[index].life.flatMap { alive[$0] ?? [] }
        .map { (start: offsets[$0], end: offsets[$0] + blocks[$0].bytes) }
        .sorted { $0 < $1 }
      var offset = 0
      for rival in rivals where rival.start < offset + blocks[index].bytes && rival.end > offset {
        offset = rival.end
      }
      offsets[index] = offset
      for step in blocks[index].life { alive[step, default: []].append(index) }
      bytes = max(bytes, offset + blocks[index].bytes)
    }
  }
}
