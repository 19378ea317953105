import CModelABI
import CompiledModels
import Foundation
import GraphIR
import MoE
import ModelRuntime
import Planning
import Ranks
import Testing

/// Where ranks share out experts, what the planner says of exchanges is what the library asks for.
@Suite struct ExpertExchangesTests {
  /// Passes on what a rank asks for, and notes it.
  private final class Recorder: @unchecked Sendable {
    let way: moec_exchange
    var asked: [(kind: Exchanges.Kind, ticket: Int, sent: Int, received: Int)] = []

    init(_ way: moec_exchange) { self.way = way }

    static func of(_ context: UnsafeMutableRawPointer?) -> Recorder {
      Unmanaged<Recorder>.fromOpaque(context!).takeUnretainedValue()
    }

    /// Words that are not this rank's own, and its own.
    func words(_ starts: UnsafePointer<Int>?) -> (others: Int, own: Int) {
      guard let starts else { return (0, 0) }
      let rank = Int(way.rank)
      let own = starts[rank + 1] - starts[rank]
      return (starts[Int(way.ranks)] - starts[0] - own, own)
    }

    var exchange: moec_exchange {
      moec_exchange(
        context: Unmanaged.passUnretained(self).toOpaque(), rank: way.rank, ranks: way.ranks,
        all_to_all: { context, ticket, send, sendStart, receive, receiveStart in
          let recorder = Recorder.of(context)
          recorder.asked.append(
            (
              .allToAll, Int(ticket), recorder.words(sendStart).others,
              recorder.words(receiveStart).others
            ))
          return recorder.way.all_to_all(
            recorder.way.context, ticket, send, sendStart, receive, receiveStart)
        },
        all_gather: { context, ticket, buffer, start in
          let recorder = Recorder.of(context)
          let words = recorder.words(start)
          recorder.asked.append(
            (.allGather, Int(ticket), words.own * Int(recorder.way.ranks - 1), words.others))
          return recorder.way.all_gather(recorder.way.context, ticket, buffer, start)
        },
        wait: { context, ticket in
          let way = Recorder.of(context).way
          return way.wait(way.context, ticket)
        },
        poll: { context in
          let way = Recorder.of(context).way
          return way.poll(way.context)
        })
    }
  }

  @Test(
    "in order, kind and words of each rank; of rows at most as many",
    arguments: [(2, 1), (4, 1), (4, 2), (8, 4)])
  func areThose(ranks count: Int, batches: Int) throws {
    let compiled = try ExpertRanksTests.library(2)
    let planned = Exchanges(compiled.plan, ranks: count, batches: batches)
    let steps = (1..<batches).flatMap { _ in planned.batch } + planned.steps
    _ = try Ranks.threads(count) { ranks in
      let recorder = Recorder(try #require(ranks.exchange).pointee)
      try update(compiled, recorder, batches: batches)
      #expect(recorder.asked.map(\.kind) == steps.map(\.kind))
      #expect(recorder.asked.map(\.ticket) == steps.map(\.ticket))
      for (asked, step) in zip(recorder.asked, steps) {
        let (sent, received) = (step.sent[ranks.rank], step.received[ranks.rank])
        if step.isBound {
          #expect(asked.sent <= sent && asked.received <= received, "\(step.name)")
        } else {
          #expect(asked.sent == sent && asked.received == received, "\(step.name)")
        }
      }
    }
    let learned = compiled.plan.ranges.reduce(0) { $0 + $1.count }
    #expect(planned.owned.reduce(0, +) == learned)
  }

  private func update(_ compiled: CompiledModel, _ recorder: Recorder, batches: Int) throws {
    let exchange = UnsafeMutablePointer<moec_exchange>.allocate(capacity: 1)
    exchange.initialize(to: recorder.exchange)
    defer { exchange.deallocate() }
    let trial = Trial(compiled, seed: 5)
    try withExtendedLifetime(recorder) {
      let model = try trial.model(exchange: exchange, batches: batches)
      recorder.asked = []
      for batch in 0..<batches {
        let tokens = Trial.ids(of: trial.reference, seed: 5, stream: UInt64(batch))
        _ = try model.accumulate(tokens: tokens, targets: trial.targets, seed: 1)
      }
      _ = try model.update(
        with: Hyperparameters(model.manifest.defaults, seed: 1), maximumNorm: nil)
    }
  }

  @Test("other numbers of ranks and of batches are refused with a hint")
  func refusals() throws {
    let library = try ExpertRanksTests.library(4).library
    #expect(library.manifest.expertRanks == 4)
    #expect(throws: ModelError.sharesExperts(among: 4, ranks: 1)) { try Model(library) }
    #expect(throws: ModelError.sharesExperts(among: 4, ranks: 2)) {
      try Ranks.threads(2) { _ = try Model(library, exchange: $0.exchange) }
    }
    #expect(throws: ModelError.sharesExpertsOfBatches(3)) {
      try Ranks.threads(4) { _ = try Model(library, exchange: $0.exchange, batches: 3) }
    }
    // As C finds it.
    let create = try #require(dlsym(dlopen(library.path, RTLD_NOW), "moec_create"))
    let function = unsafeBitCast(create, to: (@convention(c) () -> OpaquePointer?).self)
    #expect(function() == nil)
  }

  @Test("a loss that is not finite on one rank keeps the batch of all back, and none waits")
  func notFinite() throws {
    let compiled = try ExpertRanksTests.library(2)
    let trial = Trial(compiled)
    let losses = try Ranks.threads(2) { ranks in
      let model = try trial.model(exchange: ranks.exchange, batches: 1)
      if ranks.rank == 1 {
        let index = try model.index(of: "head.bias")
        try model.write(
          [Float](repeating: .infinity, count: model.count(.value, of: index)), .value, index)
      }
      let loss = try model.accumulate(tokens: trial.tokens, targets: trial.targets, seed: 1)
      #expect(throws: ModelError.self) {
        try model.update(
          with: Hyperparameters(model.manifest.defaults, seed: 1), maximumNorm: nil)
      }
      return loss
    }
    #expect(losses[0].isFinite && !losses[1].isFinite)
  }
}
