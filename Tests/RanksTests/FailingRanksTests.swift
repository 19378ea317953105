import CModelABI
import Foundation
import ModelFixtures
import Ranks
import Testing

@testable import RanksProgram

/// Threads of which one fails, ends early or does something else than the others: all end, and hear
/// why.
@Suite("Ranks that fail") struct FailingRanksTests {
  private struct Own: Error, Equatable {
    var rank: Int
  }

  /// The error of ranks of which each takes its part in all-to-alls of one word per rank.
  private func failure(
    _ count: Int = 3, _ body: @escaping @Sendable (Ranks, moec_exchange) throws -> Void
  ) throws -> (any Error)? {
    try limited {
      do {
        _ = try Ranks.threads(count) { ranks in
          guard let exchange = ranks.exchange?.pointee else { return }
          try body(ranks, exchange)
        }
        return nil
      } catch { return error }
    }
  }

  private func reason(_ error: (any Error)?) -> String {
    guard case .failed(let reason)? = error as? RanksError else { return "\(error as Any)" }
    return reason
  }

  @Test("the others hear at once, and the error is that of the one that failed", arguments: 0..<4)
  func oneThrows(rank: Int) throws {
    let error = try failure(4) { ranks, _ in
      for round in 0..<20 {
        if ranks.rank == rank, round == 7 {
          usleep(20_000)
          throw Own(rank: rank)
        }
        _ = try ranks.gather([Double(round)])
      }
    }
    #expect(error as? Own == Own(rank: rank))
  }

  @Test("every call fails after an abort, now and later")
  func aborts() throws {
    let error = try failure { ranks, exchange in
      if ranks.rank == 1 {
        usleep(20_000)
        ranks.abort("disk full")
      }
      for _ in 0..<3 {
        #expect(throws: RanksError.failed(reason: "disk full")) { try ranks.gather([1]) }
        #expect(exchange.poll(exchange.context) != 0)
        #expect(exchange.wait(exchange.context, 0) != 0)
      }
      #expect(ranks.failure == "disk full")
    }
    #expect(reason(error) == "disk full")
  }

  @Test("an abort in the midst of large copies leaves no rank behind")
  func abortsCopies() throws {
    for seed in 0..<20 {
      let exchanges = RandomExchanges(seed: UInt64(seed), steps: 100_000, largest: 3000)
      let error = try failure(4) { ranks, _ in
        if ranks.rank == seed % 4 {
          let few = RandomExchanges(seed: UInt64(seed), steps: 30 + seed, largest: 3000)
          // Its last waits are not those of the others.
          _ = try? few.run(ranks)
          ranks.abort("enough")
          throw Own(rank: ranks.rank)
        }
        _ = try exchanges.run(ranks)
      }
      #expect(error as? Own == Own(rank: seed % 4), "\(error as Any)")
    }
  }

  @Test("one that ends early is not waited for")
  func oneEnds() throws {
    for isLate in [false, true] {
      let error = try failure { ranks, _ in
        if ranks.rank == 2 {
          if isLate { usleep(30_000) }
          return
        }
        if !isLate { usleep(30_000) }
        _ = try ranks.gather([1])
      }
      #expect(reason(error).hasPrefix("rank 2 ended before exchange 1"), "\(error as Any)")
    }
  }

  @Test("one that ends before its exchange has is told of")
  func endsUnderWay() throws {
    let error = try failure { _, exchange in
      // Left behind, as others may read it.
      let places = Unmanaged.passRetained(Places([1, 1, 1])).takeUnretainedValue()
      _ = exchange.all_gather(exchange.context, 1, places.words, places.starts)
    }
    #expect(reason(error).contains("ended while its exchange with ticket 1"), "\(error as Any)")
  }

  /// One exchange in which rank 1 may do something else; places are those of one word per rank.
  private func odd(
    _ count: Int = 3, sizes: [Int] = [1, 1, 1], isGather: Bool = false, ticket: Int32 = 0
  ) throws -> (reason: String, results: [Int32]) {
    let results = Results()
    let error = try failure(count) { ranks, exchange in
      let isOdd = ranks.rank == 1
      let usual = Places([1, 1, 1])
      let places = Places(isOdd ? sizes : [1, 1, 1])
      let result =
        isOdd && isGather
        ? exchange.all_gather(exchange.context, ticket, places.words, places.starts)
        : exchange.all_to_all(
          exchange.context, isOdd ? ticket : 0, places.words, places.starts, usual.words,
          usual.starts)
      let waited = result == 0 ? exchange.wait(exchange.context, isOdd ? ticket : 0) : result
      results.add(waited)
      if waited != 0 { throw Own(rank: ranks.rank) }
    }
    return (reason(error), results.all)
  }

  /// Words, and where the pieces of these sizes begin.
  private final class Places {
    let words = UnsafeMutablePointer<Int32>.allocate(capacity: 16)
    let starts: UnsafeMutablePointer<Int>

    init(_ sizes: [Int]) {
      starts = .allocate(capacity: sizes.count + 1)
      words.initialize(repeating: 0, count: 16)
      starts[0] = 0
      for (index, size) in sizes.enumerated() { starts[index + 1] = starts[index] + size }
    }

    deinit {
      words.deallocate()
      starts.deallocate()
    }
  }

  private final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [Int32] = []
    var all: [Int32] { lock.withLock { values } }
    func add(_ value: Int32) { lock.withLock { values.append(value) } }
  }

  @Test("other sizes, kinds and tickets are errors on all")
  func disagree() throws {
    let sizes = try odd(sizes: [1, 5, 1])
    #expect(sizes.reason.hasPrefix("rank 1 sends 5 words where rank 1 expects 1"), "\(sizes)")
    let others = try odd(sizes: [4, 1, 1])
    #expect(others.reason.contains("(exchange 1, all_to_all, ticket 0)"), "\(others)")
    let kind = try odd(isGather: true)
    #expect(kind.reason.contains("all_gather with ticket 0"), "\(kind)")
    let ticket = try odd(ticket: 3)
    #expect(ticket.reason.contains("all_to_all with ticket 3"), "\(ticket)")
    let falling = try odd(sizes: [3, -1, 1])
    #expect(falling.reason.contains("do not ascend"), "\(falling)")
    let unknown = try odd(ticket: Int32(MOEC_TICKETS))
    #expect(unknown.reason.contains("which there is not"), "\(unknown)")
    for all in [sizes, others, kind, ticket, falling, unknown] {
      #expect(all.results.count == 3 && all.results.allSatisfy { $0 != 0 }, "\(all)")
    }
    #expect(try odd().results == [0, 0, 0])
  }
}
