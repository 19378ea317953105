import Testing

@testable import Runner

@Suite struct ProgressLineTests {
  private let parts = ["step 183 of 5,000", "loss 2.5574", "14,482 tokens/s", "20 % evaluating"]

  /// What matters least goes first, and the time left stays.
  @Test(arguments: [
    (80, "step 183 of 5,000, loss 2.5574, 14,482 tokens/s, 20 % evaluating, 10 min left"),
    (76, "step 183 of 5,000, loss 2.5574, 14,482 tokens/s, 10 min left"),
    (46, "step 183 of 5,000, loss 2.5574, 10 min left"),
    (40, "step 183 of 5,000, 10 min left"), (20, "step 183 of 5,000"), (2, ""),
  ])
  func keepsWhatHasRoom(columns: Int, line: String) {
    let fitted = ProgressLine.fitted(parts, "10 min left", columns: columns)
    #expect(fitted == line)
    #expect(fitted.count <= max(0, columns - 3), "no room for ^C")
  }
}
