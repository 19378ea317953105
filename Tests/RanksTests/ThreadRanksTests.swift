import CModelABI
import Foundation
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
      let words = try limited { try Ranks.threads(count) { try exchanges.run($0) } }
      #expect(words.count == count)
      #expect(words.allSatisfy { $0 > 1000 }, "\(words)")
    }
  }

  @Test("exchange large pieces")
  func exchangesManyWords() throws {
    let exchanges = RandomExchanges(seed: 5, steps: 40, largest: 40_000)
    let words = try limited { try Ranks.threads(4) { try exchanges.run($0) } }
    #expect(words.allSatisfy { $0 > 100_000 })
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
