/// Memory in which evaluation runs several passes at once: what a pass writes, once for each of them.
///
/// Evaluation keeps nothing for backward, so all uses of a layer share the first one's buffers. The
/// other uses' buffers lie idle then; there the further lanes are, at no cost in memory.
public struct Lanes: Hashable, Sendable {
  /// How many passes have room, 1 to `Lanes.most`.
  public var count: Int

  /// Bytes from lane to lane in the saved region.
  public var savedBytes: Int

  /// Bytes from lane to lane in the scratch region.
  public var scratchBytes: Int

  /// More passes than this are not run at once, whatever the room.
  public static let most = 16
}

extension Plan {
  /// As many lanes as fit where training keeps what it saves.
  ///
  /// Where ranks share out the experts, all of them are at one pass.
  public var lanes: Lanes {
    if infers {
      let bytes = [Region.saved, .scratch].map { regions.bytes(of: $0) }
      return Lanes(count: 1, savedBytes: bytes[0], scratchBytes: bytes[1])
    }
    let activations = edges.filter { $0.role == .activation }.reduce(0) { $0 + $1.bytes }
    let saved = layers.reduce(activations) { sum, layer in
      sum + layer.saved.reduce(0) { $0 + $1.bytes }
    }
    let scratch = layers.flatMap(\.forwardScratch).map { $0.offset + $0.bytes }.max() ?? 0
    let room = regions.bytes(of: .scratch)
    let counts =
      (saved > 0 ? [memory.saved / saved] : []) + (scratch > 0 ? [room / scratch] : [])
    let count = counts.reduce(Lanes.most, min)
    return Lanes(count: sharesExperts ? 1 : max(count, 1), savedBytes: saved, scratchBytes: scratch)
  }
}
