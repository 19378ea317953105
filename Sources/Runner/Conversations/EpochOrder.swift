import Foundation

/// The order of rows in an epoch: a function of the seed and the epoch; the newest is kept.
final class EpochOrder: @unchecked Sendable {
  private let lock = NSLock()
  private var key: (count: Int, epoch: Int, seed: UInt64)?
  private var order: [Int] = []

  /// All of `count` rows.
  func rows(_ count: Int, epoch: Int, seed: UInt64) -> [Int] {
    lock.withLock {
      if let key, key == (count, epoch, seed) { return order }
      var stream = RandomStream(seed: seed, .epochOrder, index: epoch)
      order = Self.shuffled(count, &stream)
      key = (count, epoch, seed)
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
