/// A tensor's elements in row-major order, with the sizes it has in this run.
public struct TensorValue: Hashable, Sendable {
  public enum Elements: Hashable, Sendable {
    case floats([Double])
    case integers([Int32])
  }

  public var shape: [Int]
  public var elements: Elements

  public init(_ shape: [Int], _ floats: [Double]) {
    self.shape = shape
    elements = .floats(floats)
  }

  public init(_ shape: [Int], integers: [Int32]) {
    self.shape = shape
    elements = .integers(integers)
  }

  /// The elements of an f32 tensor; none for an i32 tensor.
  public var floats: [Double] {
    if case .floats(let values) = elements { values } else { [] }
  }

  /// The elements of an i32 tensor; none for an f32 tensor.
  public var integers: [Int32] {
    if case .integers(let values) = elements { values } else { [] }
  }

  /// The same with f32 elements as single precision may have them: a unit in the last place off.
  ///
  /// A 0 stays one: what a ReLU, a mask or dropout made of a number says by it that no gradient goes
  /// through, and no kernel rounds that. Equal numbers are rounded alike, as a kernel does with equal rows: of two equal
  /// tokens the first is kept by an expert that has room for one, however one rounds.
  func roughlySingle(_ stream: UInt64, draw: UInt64) -> TensorValue {
    guard case .floats(let values) = elements else { return self }
    let key = CounterRandom.key(seed: draw, stream: stream)
    let rough = values.map { value in
      let single = Float(value)
      let hash = value.bitPattern ^ (value.bitPattern >> 32)
      let units = Float(Int(CounterRandom.bits(key, UInt32(truncatingIfNeeded: hash)) % 3) - 1)
      return single.isFinite && single != 0
        ? Double(single + units * single.ulp) : Double(single)
    }
    return TensorValue(shape, rough)
  }

  /// The product of the sizes.
  public var count: Int { shape.reduce(1, *) }

  /// The size of the last axis, 1 for a scalar.
  public var width: Int { shape.last ?? 1 }

  /// The product of all sizes but the last.
  public var rows: Int { shape.dropLast().reduce(1, *) }

  /// The row `r` of an f32 tensor.
  func row(_ r: Int) -> ArraySlice<Double> { floats[r * width..<(r + 1) * width] }
}
