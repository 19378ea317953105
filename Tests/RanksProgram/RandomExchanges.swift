import CModelABI
import Foundation
import Ranks

/// Exchanges of random kinds, sizes and order, the same on all ranks by their seed, whose every word is
/// checked. Up to all tickets are under way at once, and what was sent is overwritten at once when its
/// exchange has ended.
struct RandomExchanges {
  var seed: UInt64
  var steps: Int
  /// The largest number of words from one rank to another.
  var largest = 40
  /// Microseconds that a rank may sleep between two calls.
  var pause: UInt32 = 0

  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  /// Takes the part of one rank; the number of words that came.
  func run(_ ranks: Ranks) throws -> Int {
    guard let exchange = ranks.exchange?.pointee else { return 0 }
    var common = Dice(state: seed)
    var own = Dice(state: seed &+ UInt64(ranks.rank + 1) &* 0x9E37)
    var underWay: [Int32: Flight] = [:]
    var words = 0
    for step in 0..<steps {
      try hesitate(exchange, &own)
      let isStart = underWay.isEmpty || (underWay.count < MOEC_TICKETS && common.below(2) == 0)
      if isStart {
        let free = (0..<Int32(MOEC_TICKETS)).filter { underWay[$0] == nil }
        let ticket = free[common.below(free.count)]
        let flight = Flight(step, exchange, largest: largest, &common, &own)
        underWay[ticket] = flight
        try check(flight.start(exchange, ticket), "start of step \(step)")
      } else {
        let tickets = underWay.keys.sorted()
        let ticket = tickets[common.below(tickets.count)]
        try check(exchange.wait(exchange.context, ticket), "wait in step \(step)")
        words += try underWay.removeValue(forKey: ticket)?.checkedWords() ?? 0
      }
    }
    for (ticket, flight) in underWay.sorted(by: { $0.key < $1.key }) {
      try check(exchange.wait(exchange.context, ticket), "last wait for \(ticket)")
      words += try flight.checkedWords()
    }
    return words
  }

  private func hesitate(_ exchange: moec_exchange, _ own: inout Dice) throws {
    if pause > 0, own.below(4) == 0 { usleep(UInt32(own.below(Int(pause)))) }
    if own.below(3) == 0 { try check(exchange.poll(exchange.context), "poll") }
  }

  private func check(_ result: Int32, _ call: String) throws {
    if result != 0 { throw Failure(description: "\(call) returned \(result)") }
  }
}

/// One exchange, its buffers and what must be in them.
private final class Flight {
  private let number: Int
  private let rank: Int
  private let isGather: Bool
  private let send: Words
  private let receive: Words

  init(
    _ number: Int, _ exchange: moec_exchange, largest: Int, _ common: inout Dice, _ own: inout Dice
  ) {
    let count = Int(exchange.ranks)
    (self.number, rank) = (number, Int(exchange.rank))
    isGather = common.below(3) == 0
    // Now and then nothing, to a rank or to all.
    let limit = common.below(8) == 0 ? 0 : largest
    let sizes = (0..<count * count).map { _ in common.below(3) == 0 ? 0 : common.below(limit + 1) }
    let own = [own.below(3), own.below(3)]
    let mine = rank
    if isGather {
      receive = Words(lead: common.below(3), sizes: Array(sizes[..<count]))
      send = receive
      receive.fill(mine) { Self.word(number, mine, mine, $0) }
    } else {
      send = Words(lead: own[0], sizes: (0..<count).map { sizes[mine * count + $0] })
      receive = Words(lead: own[1], sizes: (0..<count).map { sizes[$0 * count + mine] })
      for to in 0..<count { send.fill(to) { Self.word(number, mine, to, $0) } }
    }
  }

  func start(_ exchange: moec_exchange, _ ticket: Int32) -> Int32 {
    isGather
      ? exchange.all_gather(exchange.context, ticket, receive.words, receive.places)
      : exchange.all_to_all(
        exchange.context, ticket, send.words, send.places, receive.words, receive.places)
  }

  /// How many words have come, when all are what they must be; what was sent is overwritten.
  func checkedWords() throws -> Int {
    for from in 0..<receive.count {
      let to = isGather ? from : rank
      guard receive.holds(from, { Self.word(number, from, to, $0) }) else {
        throw RandomExchanges.Failure(
          description: "rank \(rank) has other words from rank \(from) in exchange \(number)")
      }
    }
    guard receive.hasItsLead else {
      throw RandomExchanges.Failure(description: "exchange \(number) wrote before its first place")
    }
    for to in 0..<send.count { send.fill(to) { _ in 0xDEAD_BEEF } }
    return receive.places[receive.count] - receive.places[0]
  }

  private static func word(_ number: Int, _ from: Int, _ to: Int, _ index: Int) -> UInt32 {
    let key = UInt64(number) << 40 | UInt64(from) << 32 | UInt64(to) << 24 | UInt64(index)
    var dice = Dice(state: key)
    return UInt32(truncatingIfNeeded: dice.next())
  }
}

/// Words in pieces one after the other, behind a few that are nobody's.
private final class Words {
  let count: Int
  let words: UnsafeMutablePointer<UInt32>
  let places: UnsafeMutablePointer<Int>

  init(lead: Int, sizes: [Int]) {
    count = sizes.count
    places = .allocate(capacity: count + 1)
    var end = lead
    places[0] = lead
    for (index, size) in sizes.enumerated() {
      end += size
      places[index + 1] = end
    }
    words = .allocate(capacity: end + 1)
    words.initialize(repeating: 7, count: end + 1)
  }

  deinit {
    words.deallocate()
    places.deallocate()
  }

  var hasItsLead: Bool { (0..<places[0]).allSatisfy { words[$0] == 7 } }

  func fill(_ piece: Int, _ word: (Int) -> UInt32) {
    for place in places[piece]..<places[piece + 1] { words[place] = word(place - places[piece]) }
  }

  func holds(_ piece: Int, _ word: (Int) -> UInt32) -> Bool {
    (places[piece]..<places[piece + 1]).allSatisfy { words[$0] == word($0 - places[piece]) }
  }
}

/// SplitMix64.
struct Dice {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(1, limit))) }
}
