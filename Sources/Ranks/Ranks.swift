import CModelABI
import CRanks
import Foundation

/// One of the ranks that train a model together, and its way to the others.
///
/// It belongs to one thread, which makes all its calls. A rank that gives up while an exchange is
/// under way calls `abort` before it frees what the others may still read.
public final class Ranks: @unchecked Sendable {
  /// Which one it is: 0 ..< count.
  public let rank: Int
  public let count: Int
  /// What libraries are given; nil where there is nobody else. It lives as long as this object.
  public let exchange: UnsafePointer<moec_exchange>?
  private let transport: any Transport

  init(_ exchange: UnsafePointer<moec_exchange>?, _ transport: any Transport) {
    (self.exchange, self.transport) = (exchange, transport)
    rank = exchange.map { Int($0.pointee.rank) } ?? 0
    count = exchange.map { Int($0.pointee.ranks) } ?? 1
  }

  /// The only rank there is.
  public static let alone = Ranks(nil, NoTransport())

  /// Whether this is the rank that prints and writes for all.
  public var isFirst: Bool { rank == 0 }

  /// Why exchanges have failed; nil if none has.
  public var failure: String? { transport.failure }

  /// Ends the work of all ranks, because of this one: under MPI the whole job and this process,
  /// after it has printed the message if there is one, and of threads every exchange, now and later.
  public func abort(_ message: String?) { transport.abort(message, rank: rank) }

  /// Takes leave of the others when all is done, which ranks under MPI must; no exchange is made
  /// afterwards. Errors: MPI fails.
  public func close() throws(RanksError) {
    if !transport.close() { throw .mpi(reason: failure ?? "it does not say why") }
  }

  /// What every rank gives, in their order and bit for bit: [count][values.count]. All give equally
  /// many, and none has an exchange of ticket 0 under way. Errors: a rank is gone.
  public func gather(_ values: [Double]) throws(RanksError) -> [[Double]] {
    guard let exchange else { return [values] }
    let size = values.count
    var all = [Double](repeating: 0, count: max(1, size * count))
    all.replaceSubrange(rank * size..<(rank + 1) * size, with: values)
    // A double is two words.
    let places = (0...count).map { 2 * $0 * size }
    let result = all.withUnsafeMutableBytes { words in
      places.withUnsafeBufferPointer {
        exchange.pointee.gatherAll(words.baseAddress, $0.baseAddress)
      }
    }
    guard result == 0 else { throw .failed(reason: failure ?? "a rank is gone") }
    return (0..<count).map { Array(all[$0 * size..<($0 + 1) * size]) }
  }
}

extension moec_exchange {
  /// An all-gather from its start to its end.
  fileprivate func gatherAll(
    _ buffer: UnsafeMutableRawPointer?, _ places: UnsafePointer<Int>?
  ) -> Int32 {
    let started = all_gather(context, 0, buffer, places)
    return started == 0 ? wait(context, 0) : started
  }
}

/// What carries words between ranks.
protocol Transport {
  var failure: String? { get }
  func abort(_ message: String?, rank: Int)
  /// Whether that went well.
  func close() -> Bool
}

private struct NoTransport: Transport {
  var failure: String? { nil }
  func abort(_ message: String?, rank: Int) {}
  func close() -> Bool { true }
}
