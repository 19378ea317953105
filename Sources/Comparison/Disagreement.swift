/// How far a tensor is from what it should be.
public struct Disagreement: Equatable, Sendable, CustomStringConvertible {
  public var name: String

  /// The largest difference of two elements, relative to the largest element.
  public var error: Double
  private var place: String

  /// - Parameter scale: elements are small only if they are smaller than this.
  public init(_ name: String, _ actual: [Float], _ expected: [Double], scale: Double = 0) {
    self.name = name
    (error, place) = (0, "")
    guard actual.count == expected.count else {
      (error, place) = (.infinity, "\(actual.count) elements for \(expected.count)")
      return
    }
    let size = max(scale, expected.largest, 1e-30)
    for index in actual.indices {
      let difference = Self.difference(Double(actual[index]), expected[index]) / size
      guard difference > error else { continue }
      error = difference
      place = "element \(index): \(actual[index]) for \(expected[index])"
    }
  }

  /// The error is the largest difference by what is allowed of its element; any is infinite where nothing is.
  init(_ name: String, _ actual: [Float], _ expected: [Double], allowed: [Double]) {
    self.name = name
    (error, place) = (0, "")
    for index in actual.indices {
      // What is too large for single precision is infinite there.
      let difference = Self.difference(Double(actual[index]), Double(Float(expected[index])))
      guard difference > error * allowed[index] else { continue }
      error = difference / allowed[index]
      place = "element \(index): \(actual[index]) for \(expected[index])"
    }
  }

  private static func difference(_ a: Double, _ b: Double) -> Double {
    if a == b || (a.isNaN && b.isNaN) { return 0 }
    return a.isFinite && b.isFinite ? abs(a - b) : .infinity
  }

  public var description: String { "\(name): \(error), \(place)" }
}

extension [Double] {
  /// The largest magnitude of a finite element; 0 if there is none.
  public var largest: Double { lazy.map(abs).filter(\.isFinite).max() ?? 0 }
}
