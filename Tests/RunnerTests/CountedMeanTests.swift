import ModelRuntime
import Testing

@testable import Runner

/// Means over batches of which some targets are ignored.
@Suite struct CountedMeanTests {
  private static let ignored = Model.ignoredTarget

  @Test("Batches weigh by their targets that are not ignored")
  func weighs() {
    var mean = CountedMean<Double>(count: 2)
    mean.add([2, 1], share: Model.share(of: [3, Self.ignored, Self.ignored, Self.ignored]))
    mean.add([5, 3], share: Model.share(of: [0, 1, 2, Self.ignored]))
    mean.add([0, 7], share: Model.share(of: [Int32](repeating: Self.ignored, count: 4)))
    #expect(mean.means == [4.25, 2.5])
  }

  @Test("Where nothing is ignored it is the sum over the count, to the bit")
  func plain() {
    var mean = CountedMean<Float>(count: 1)
    let losses: [Float] = [0.1, 0.7, 3.3, 1e-3, 2.9]
    for loss in losses { mean.add([Double(loss)], share: Model.share(of: [0, 1, 2])) }
    #expect(mean.means == [losses.reduce(0, +) / 5])
  }

  @Test("Where everything is ignored it is 0")
  func none() {
    var mean = CountedMean<Float>(count: 1)
    #expect(mean.means == [0])
    mean.add([0], share: Model.share(of: [Self.ignored]))
    #expect(mean.means == [0])
  }
}
