/// Lays storages out in the regions of the arena, bytes from each region's start.
struct ArenaPlacement {
  private var bytes: [Region: Int] = [:]

  /// The regions, as large as what was laid out in them.
  var regions: Regions { Regions(bytes) }

  /// Puts a storage behind what its region has.
  mutating func append(_ storage: inout Storage) {
    storage.offset = append(storage.bytes, to: storage.region)
  }

  /// Makes room behind what a region has, and tells where.
  mutating func append(_ count: Int, to region: Region) -> Int {
    let offset = bytes[region] ?? 0
    bytes[region] = offset + count
    return offset
  }

  /// Makes room for what lies in a region by turns: the largest decides.
  mutating func share(_ count: Int, in region: Region) {
    bytes[region] = max(bytes[region] ?? 0, count)
  }
}
