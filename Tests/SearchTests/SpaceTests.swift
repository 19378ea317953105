import Testing

@testable import Search

/// Parameters, their values and the conditions between them.
@Suite struct SpaceTests {
  @Test func parametersAreRead() throws {
    #expect(
      try Dimension(parsing: "experts=2,4,8").values == .choices([.whole(2), .whole(4), .whole(8)]))
    #expect(
      try Dimension(parsing: "gate=relu,silu").values == .choices([.word("relu"), .word("silu")]))
    #expect(
      try Dimension(parsing: "chosen=1..4").values
        == .whole(1...4, step: 1, isLogarithmic: false))
    #expect(
      try Dimension(parsing: "width=16..64:step=16").values
        == .whole(16...64, step: 16, isLogarithmic: false))
    let rate = try Dimension(parsing: "learning-rate=1e-4..3e-3:log:points=3")
    #expect(rate.values == .number(1e-4...3e-3, step: nil, isLogarithmic: true))
    #expect(rate.points == 3 && rate.name == "learning-rate")
    #expect(
      try Dimension(parsing: "clip=1..4").asNumbers.values
        == .number(1...4, step: nil, isLogarithmic: false))
  }

  @Test(arguments: [
    ("experts", "experts is no parameter of a search"), ("=3", "=3 is no parameter"),
    ("e=", "a value is missing"), ("e=1,,2", "a value is missing"),
    ("e=1,1", "a value is there twice"), ("e=4..2", "a range begins below its end"),
    ("e=a..b", "a range has a number at each end"), ("e=0..3:log", ":log needs a range above 0"),
    ("e=1..3:log:step=1", ":log takes no :step"), ("e=1..3:step=9", "the step is beyond the range"),
    ("e=1..3:steps=1", "steps=1 is no option of a range"), ("e=1..3:step=0", "step=0 is no option"),
    ("e=1..3:log:log", ":log is there twice"), ("e=1..9:step=2:step=3", ":step is there twice"),
    ("e=1,2:log", "a list takes no :log"), ("e=1..3:points=0", "points=0 is no option"),
    ("e=-9223372036854775807..9223372036854775807", "the range is too long"),
    ("e=0..9223372036854775807:step=9223372036854775807", "the step is beyond the range"),
    ("e=-1e308..1e308", "the range is too long"), ("e=0..1:step=1e-300", "has too many steps"),
    ("e=0..1e300:step=1", "has too many steps"),
  ])
  func whatIsNoParameterIsSaid(text: String, message: String) {
    let error = #expect(throws: SearchError.self) { try Dimension(parsing: text) }
    #expect(error?.message.contains(message) == true, "\(String(describing: error))")
  }

  @Test func placesCoverTheirRange() throws {
    func values(_ text: String) throws -> [TrialValue] {
      let dimension = try Dimension(parsing: text)
      return [0, 0.25, 0.5, 0.75, 0.999_999].map(dimension.value)
    }
    #expect(try values("e=2..16") == [2, 5, 9, 13, 16].map(TrialValue.whole))
    #expect(try values("e=2,4") == [2, 2, 4, 4, 4].map(TrialValue.whole))
    #expect(try values("e=1..9:step=4") == [1, 1, 5, 9, 9].map(TrialValue.whole))
    #expect(
      try values("e=1..64:log").first == .whole(1) && values("e=1..64:log").last == .whole(64))
    let rates = try values("r=1e-4..1e-2:log").compactMap(\.asNumber)
    #expect(abs(rates[2] - 1e-3) < 1e-6 && rates[0] == 1e-4 && rates[4] <= 1e-2)
    #expect(try values("r=0.0..1.0") == [0, 0.25, 0.5, 0.75, 1].map(TrialValue.number))
  }

  @Test(arguments: ["e=0..LAST", "e=1..LAST:log", "e=0..LAST:step=2305843009213693952"])
  func theLongestRangesHavePlaces(text: String) throws {
    let end = text.replacing("LAST", with: "\(Int.max)")
    let values = [0, 0.5, 1 - 0x1p-53].map(try Dimension(parsing: end).value)
    #expect(values.allSatisfy { if case .whole(0...) = $0 { true } else { false } })
    #expect(try Set(Dimension(parsing: "\(end):points=3").grid()).count == 3, "\(values)")
    if !text.contains("step") {
      #expect(throws: SearchError.self) { try Dimension(parsing: end).grid() }
    }
  }

  @Test func pointsOfAStepAreOnIt() throws {
    let wholes = try Dimension(parsing: "e=1..9:step=3:points=3").grid()
    #expect(wholes == [1, 4, 7].map(TrialValue.whole))
    #expect(
      try Dimension(parsing: "e=2..16:step=2:points=3").grid() == [2, 10, 16].map(TrialValue.whole))
    #expect(
      try Dimension(parsing: "e=0..1:step=0.3:points=2").grid() == [0, 0.9].map(TrialValue.number))
  }

  @Test func gridsHaveAllPointsThatMeetTheConditions() throws {
    let space = try SearchSpace(
      ["experts=2,4,8", "chosen=1..4", "rate=1e-4..1e-2:log:points=3"].map(Dimension.init),
      [Condition(parsing: "chosen<=experts")])
    let grid = try GridSampler(space, fixed: [:], seed: 1)
    #expect(grid.count == (2 + 4 + 4) * 3)
    let points = (0..<grid.count).compactMap { grid.suggest($0, attempt: 0, for: Study()) }
    #expect(Set(points).count == 30 && grid.suggest(30, attempt: 0, for: Study()) == nil)
    #expect(
      Set(points.compactMap { $0["rate"] }) == [.number(1e-4), .number(1e-3), .number(1e-2)])
    let again = try GridSampler(space, fixed: [:], seed: 1)
    let other = try GridSampler(space, fixed: [:], seed: 2)
    #expect(again.suggest(0, attempt: 0, for: Study()) == points[0])
    #expect((0..<30).contains { other.suggest($0, attempt: 0, for: Study()) != points[$0] })
    let endless = try SearchSpace([Dimension(parsing: "rate=1e-4..1e-2")])
    let error = #expect(throws: SearchError.self) {
      try GridSampler(endless, fixed: [:], seed: 1)
    }
    #expect(error?.hint.contains("rate=1e-4..1e-2:points=5") == true)
    let none = try SearchSpace(space.dimensions, [Condition(parsing: "chosen>8")])
    #expect(throws: SearchError.self) { try GridSampler(none, fixed: [:], seed: 1) }
  }

  @Test func conditionsCompareProductsAndWords() throws {
    let values: TrialValues = [
      "experts": .whole(8), "chosen": .whole(2), "rate": .number(0.5), "gate": .word("relu"),
    ]
    for (text, holds) in [
      ("chosen<=experts", true), ("chosen > experts", false), ("chosen*4==experts", true),
      ("experts/chosen=4", true), ("experts != 8", false), ("rate<1e-1", false),
      ("gate==relu", true), ("gate!=relu", false), ("gate=silu", false), ("gate<relu", false),
      ("chosen*chosen*2>=experts", true),
    ] {
      #expect(try Condition(parsing: text).holds(values) == holds, "\(text)")
    }
    #expect(try Condition(parsing: "chosen<=experts*2").words == ["chosen", "experts"])
    for text in ["chosen", "a<=", "<b", "a<=b<=c", "a**b<c", "a;b<c"] {
      #expect(throws: SearchError.self, "\(text)") { try Condition(parsing: text) }
    }
  }

  @Test func spacesHaveEachParameterOnce() throws {
    #expect(throws: SearchError.self) { try SearchSpace([]) }
    let twice = try [Dimension(parsing: "a=1,2"), Dimension(parsing: "a=3,4")]
    #expect(throws: SearchError.self) { try SearchSpace(twice) }
  }
}
