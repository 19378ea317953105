import CompiledModels
import Foundation
import GraphIR
import Testing

@testable import Upcycling

/// What is drawn, and what is copied.
@Suite struct NumberTests {
  @Test func theNumbersAreTheSameEverywhere() {
    var normal = NormalNumbers(seed: 1337, "block.0.mixture.router.weight", part: 1)
    let bits = (0..<6).map { _ in normal.next().bitPattern }
    #expect(
      bits == [
        4_607_715_518_675_195_932, 13_835_935_776_537_241_097, 13_835_087_740_618_629_057,
        13_819_841_877_816_229_899, 4_591_608_105_299_915_884, 4_605_651_600_139_539_536,
      ], "\(bits)")
  }

  @Test func theLogarithmIsOne() {
    for x in [1e-300, 1e-9, 0.1, 0.5, 0.7071067811865, 0.70710678118655, 0.9, 1 - 1e-15] {
      let (found, expected) = (NormalNumbers.logarithm(x), log(x))
      #expect(abs(found - expected) <= 4e-16 * max(abs(expected), 0.05), "\(x)")
    }
  }

  @Test func theNumbersAreNormal() {
    var normal = NormalNumbers(seed: 3, "a")
    let numbers = (0..<200_000).map { _ in normal.next() }
    let mean = numbers.reduce(0, +) / 200_000
    let square = numbers.reduce(0) { $0 + $1 * $1 } / 200_000
    let fourth = numbers.reduce(0) { $0 + $1 * $1 * $1 * $1 } / 200_000
    #expect(abs(mean) < 0.01 && abs(square - 1) < 0.02 && abs(fourth - 3) < 0.1)
    #expect(numbers.contains { $0 > 4 } && numbers.contains { $0 < -4 })
  }

  private static func dense() throws -> DenseModel {
    DenseModel(try PlainModel(width: 24).graph())
  }

  @Test func slicesOfACopyHaveOneRow() throws {
    let graph = try PlainModel(experts: 8, chosen: 4, width: 12).graph()
    let dense = try Self.dense()
    let one = try dense.upcycled(into: graph, .init(seed: 1)).parameters
    let rows = try #require(one["block.1.mixture.gate.weight"])
    let each = (0..<8).map { Array(rows[$0 * 12..<($0 + 1) * 12]) }
    for copy in 0..<4 { #expect(each[2 * copy] == each[2 * copy + 1]) }
    #expect(Set(each).count == 4)
    #expect(one["block.0.mixture.gate.weight"] != rows)
    #expect(try dense.upcycled(into: graph, .init(seed: 1)).parameters == one)
    #expect(try dense.upcycled(into: graph, .init(seed: 2)).parameters != one)
    #expect(one["block.1.mixture.gate.bias"] == [Float](repeating: 0, count: 8))
  }

  @Test func noiseTellsCopiesApart() throws {
    let graph = try PlainModel(experts: 4, width: 24).graph()
    let dense = try Self.dense()
    let plain = try dense.upcycled(into: graph).parameters
    let noisy = try dense.upcycled(into: graph, .init(noise: 0.1)).parameters
    let name = "block.0.mixture.up.weight"
    let (a, b) = (try #require(plain[name]), try #require(noisy[name]))
    let size = a.count / 4
    #expect(a[..<size] == a[size..<2 * size] && b[..<size] != b[size..<2 * size])
    let added = zip(a, b).map { Double($1 - $0) }
    let share =
      (added.map { $0 * $0 }.reduce(0, +) / a.map { Double($0) * Double($0) }.reduce(0, +))
      .squareRoot()
    #expect(abs(share - 0.1) < 0.01, "\(share)")
    #expect(plain["block.0.mixture.up.bias"] == noisy["block.0.mixture.up.bias"])
    #expect(plain["head.weight"] == noisy["head.weight"])
  }

  private func message(_ dense: DenseModel, _ graph: Graph, _ options: Upcycling.Options = .init())
    -> String
  {
    do {
      _ = try dense.upcycled(into: graph, options)
      return "nothing is wrong"
    } catch let error as UpcyclingError {
      return error.message
    } catch {
      return "\(error)"
    }
  }

  @Test func whatDoesNotFitIsNamed() throws {
    let dense = try Self.dense()
    #expect(message(dense, dense.graph) == "mixture routes nothing to experts: it is dense")
    let wide = try PlainModel(experts: 4, width: 10).graph()
    #expect(message(dense, wide).contains("a width of 24 is no whole number of 10"))
    let wider = try PlainModel(experts: 4, width: 48).graph()
    #expect(
      message(dense, wider).contains(
        "block.0.mixture.up.weight [4, 48, 12] cannot be cut out of block.0.mlp.up.weight [24, 12]")
    )
    let odd = try PlainModel(experts: 4, chosen: 3, width: 12).graph()
    #expect(message(dense, odd).contains("it chooses 3 of its 4 experts, and 2 make a copy"))
    let few = try PlainModel(experts: 3, chosen: 2, width: 12).graph()
    #expect(message(dense, few).contains("its 3 experts are no whole copies of 2 slices"))
    let fine = try PlainModel(experts: 4, width: 24).graph()
    #expect(
      message(dense, fine, .init(granularity: 2)).contains("makes the granularity 1, not 2"))
    let mixture = DenseModel(fine)
    #expect(message(mixture, fine).contains("has experts there already"))
    let other = try FamilyModel(.mixtral) { $0.V = 11 }.graph()
    let found = message(dense, other)
    #expect(found.contains("nothing is there for block.{0-1}.attention.q.weight"), "\(found)")
    #expect(found.contains("nothing takes block.{0-1}.attention.key.bias"), "\(found)")
    #expect(found.contains("token.weight is [11, 12], and there [11, 16]"), "\(found)")
  }
}
