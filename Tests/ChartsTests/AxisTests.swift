import Foundation
import Testing

@testable import Charts

@Suite struct AxisTests {
  @Test(arguments: [
    ([1.52, 5.41], ["1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0", "5.5"]),
    ([0, 1], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ([-3, 12_000], ["-2,000", "0", "2,000", "4,000", "6,000", "8,000", "10,000", "12,000"]),
    ([2.001, 2.004], ["2.0010", "2.0015", "2.0020", "2.0025", "2.0030", "2.0035", "2.0040"]),
    ([1e-6, 3e-6], ["1e-6", "1.5e-6", "2e-6", "2.5e-6", "3e-6"]),
  ])
  func linearTicksAreRound(values: [Double], labels: [String]) {
    #expect(ValueAxis.linear(values, count: 8).labels == labels)
  }

  @Test(arguments: [[0.0], [2.5], [-1, -1], [1e-300], [1e300], [0, 1e-9], []])
  func everyAxisHoldsItsValues(values: [Double]) {
    for axis in [
      ValueAxis.linear(values, count: 8), .linear(values, count: 3, fromZero: true),
    ] {
      #expect(axis.high > axis.low)
      #expect(axis.ticks.count > 1 && axis.ticks.count < 30)
      for value in values {
        #expect((-1e-6...1 + 1e-6).contains(axis.fraction(value)), "\(value) in \(axis)")
      }
    }
  }

  @Test func logarithmicAxesHoldTheirValues() {
    for (least, most) in [(1.5, 5.4), (1.7, 1.8), (0.001, 2), (1, 1), (1e-9, 1e9)] {
      let axis = ValueAxis.logarithmic([least, most], count: 8)
      #expect(axis.isLogarithmic && axis.low <= least && axis.high >= most)
      #expect((0...1).contains(axis.fraction(least)) && (0...1).contains(axis.fraction(most)))
      #expect(axis.ticks.count > 1 && axis.ticks.count < 25, "\(axis.labels)")
      #expect(Set(axis.labels).count == axis.labels.count)
    }
    let axis = ValueAxis.logarithmic([1.53, 5.41], count: 8)
    #expect(axis.labels == ["1.5", "2.0", "2.5", "3.0", "3.5", "4.0", "4.5", "5.0", "5.5"])
  }

  @Test func stepsEndWhereTheRunDoes() {
    #expect(ValueAxis.steps(through: 4999, count: 8).high == 5000)
    #expect(ValueAxis.steps(through: 4999, count: 8).labels.last == "5,000")
    #expect(ValueAxis.steps(through: 640, count: 8).high == 640)
    #expect(ValueAxis.steps(through: 0, count: 8).labels == ["0", "1"])
    #expect(ValueAxis.steps(through: 1_000_000_000_000, count: 8).ticks.count < 10)
  }

  @Test func labelsAreMovedApartAndNoFurther() {
    #expect(placedApart([10, 50, 90], distance: 14, within: 0...100) == [10, 50, 90])
    #expect(placedApart([50, 50], distance: 14, within: 0...100) == [43, 57])
    #expect(placedApart([99, 98], distance: 14, within: 0...100) == [100, 86])
    #expect(placedApart([], distance: 14, within: 0...100) == [])
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let wanted = (0..<7).map { _ in Double.random(in: -20...120, using: &generator) }
      let sorted = placedApart(wanted, distance: 14, within: 0...100).sorted()
      #expect((sorted.first ?? 0) >= -1e-9 && (sorted.last ?? 0) <= 100 + 1e-9)
      for (upper, lower) in zip(sorted, sorted.dropFirst()) {
        #expect(lower - upper >= 14 - 1e-9)
      }
    }
  }
}
