import CModelABI
import Foundation
import ModelFixtures
import Ranks
import Testing

@testable import RanksProgram

/// Ranks that are threads of one process. Nothing here may wait for ever: all has a time limit.
@Suite("Ranks as threads") struct ThreadRanksTests {
  @Test("exchange random words in any order", arguments: [1, 2, 3, 4, 8])
  func exchangesWords(count: Int) throws {
    for seed in 0..<6 {
      let exchanges = RandomExchanges(
        seed: UInt64(100 * count + seed), steps: 600, pause: seed.isMultiple(of: 2) ? 0 : 300)
      let words = try limited { try Self.run(count, exchanges) }
      #expect(words.count == count)
      #expect(words.allSatisfy { $0 > 1000 }, "\(words)")
    }
  }

  /// How many words come to each rank.
  static func run(_ count: Int, _ exchanges: RandomExchanges) throws -> [Int] {
    try Ranks.threads(count) { try exchanges.run($0) }
  }

  @Test("exchange large pieces")
  func exchangesManyWords() throws {
    let exchanges = RandomExchanges(seed: 5, steps: 40, largest: 40_000)
    let words = try limited { try Self.run(4, exchanges) }
    #expect(words.allSatisfy { $0 > 100_000 })
  }

  /// While rank 0 copies what is large, rank 1 starts the exchange that rank 0 waits for.
  @Test("hear what comes while they copy")
  func hearWhileCopying() throws {
    let large = 2_000_000
    let ends = try limited {
      try Ranks.threads(2) { ranks in
        guard let exchange = ranks.exchange?.pointee else { return 0 }
        let words = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * large)
        words.initialize(repeating: 1, count: 2 * large)
        defer { words.deallocate() }
        // Rank 1 sends them all to rank 0.
        let send = ranks.rank == 1 ? [0, large, large] : [0, 0, 0]
        let receive = ranks.rank == 0 ? [0, 0, large] : [0, 0, 0]
        return Self.withPlaces(send, receive, [0, 0, 0]) { send, receive, none in
          for round in 0..<40 {
            var result = exchange.all_to_all(
              exchange.context, 3, words, send, words + large, receive)
            if ranks.rank == 1 { usleep(UInt32(100 * round)) }
            result |= exchange.all_gather(exchange.context, 0, words, none)
            result |= exchange.wait(exchange.context, 0)
            result |= exchange.wait(exchange.context, 3)
            guard result == 0 else { return round }
          }
          return 40
        }
      }
    }
    #expect(ends == [40, 40])
  }

  private typealias Places = UnsafePointer<Int>

  private static func withPlaces<Result>(
    _ a: [Int], _ b: [Int], _ c: [Int], _ body: (Places, Places, Places) throws -> Result
  ) rethrows -> Result {
    let all = a + b + c
    return try all.withUnsafeBufferPointer { places in
      guard let start = places.baseAddress else { preconditionFailure("there are nine") }
      return try body(start, start + a.count, start + a.count + b.count)
    }
  }

  @Test("gather numbers in the order of ranks, bit for bit", arguments: [1, 2, 5])
  func gathers(count: Int) throws {
    let odd: [Double] = [-0.0, .infinity, .leastNonzeroMagnitude, .nan, 1 / 3]
    let all = try limited {
      try Ranks.threads(count) { ranks in
        #expect(ranks.count == count && ranks.isFirst == (ranks.rank == 0))
        #expect(try ranks.gather([]).allSatisfy(\.isEmpty))
        return try ranks.gather(odd + [Double(ranks.rank)])
      }
    }
    for gathered in all {
      for (rank, numbers) in gathered.enumerated() {
        #expect(numbers.map(\.bitPattern) == (odd + [Double(rank)]).map(\.bitPattern))
      }
      #expect(gathered.count == count)
    }
  }

  @Test("one rank alone needs no exchange")
  func isAlone() throws {
    #expect(Ranks.alone.exchange == nil && Ranks.alone.count == 1 && Ranks.alone.isFirst)
    #expect(try Ranks.alone.gather([3]) == [[3]])
    Ranks.alone.abort("nobody hears this")
    #expect(Ranks.alone.failure == nil)
  }

  @Test("have stacks as large as asked for")
  func haveStacks() throws {
    let sums = try limited {
      try Ranks.threads(2, stackSize: 64 << 20) { _ in
        withUnsafeTemporaryAllocation(byteCount: 40 << 20, alignment: 64) { bytes in
          for place in stride(from: 0, to: bytes.count, by: 4096) { bytes[place] = 1 }
          return stride(from: 0, to: bytes.count, by: 4096).reduce(0) { $0 + Int(bytes[$1]) }
        }
      }
    }
    #expect(sums == [10240, 10240])
  }

  @Test func thereMustBeOne() throws {
    #expect(throws: RanksError.badCount(0)) { try Ranks.threads(0) { _ in 0 } }
  }
}
