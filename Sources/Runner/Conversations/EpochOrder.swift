import Synchronization

/// The order of rows in an epoch: a function of the seed and the epoch; the newest is kept.
final class EpochOrder: Sendable {
  private struct Key: Hashable {
    var count: Int
    var epoch: Int
    var seed: UInt64
  }

  private let newest = Mutex<(key: Key, order: [Int])?>(nil)

  /// All of `count` rows.
  func rows(_ count: Int, epoch: Int, seed: UInt64) -> [Int] {
    let key = Key(count: count, epoch: epoch, seed: seed)
    return newest.withLock { newest in
      if let newest, newest.key == key { return newest.order }
      var stream = RandomStream(seed: seed, .epochOrder, index: epoch)
      let order = Self.shuffled(count, &stream)
      newest = (key, order)
      return order
    }
  }

  /// 0 ..< count in an order drawn from a stream, each with the same chance.
  static func shuffled(_ count: Int, _ stream: inout RandomStream) -> [Int] {
    var order = Array(0..<count)
    for place in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(place, stream.next(below: place + 1))
    }
    return order
  }
}
