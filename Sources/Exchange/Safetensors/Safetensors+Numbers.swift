extension Safetensors.DataType {
  /// Whether it is of floating-point numbers that float32 is read from.
  public var isReal: Bool {
    switch self {
    case .f16, .bf16, .f32, .f64: return true
    case .bool, .f4, .f6e2m3, .f6e3m2, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0, .f8e4m3fnuz,
      .f8e5m2fnuz, .i16, .u16, .i32, .u32, .c64, .i64, .u64:
      return false
    }
  }
}

extension Safetensors {
  /// Elements that are read at once: the bytes beside the numbers stay few.
  private static let portion = 1 << 18

  /// Numbers of a tensor as float32, all of them or the elements `part`: F32, F16 and BF16 exactly,
  /// F64 rounded to nearest.
  ///
  /// Errors: unreadable; a type without such numbers; a finite F64 beyond float32's range.
  public func numbers(
    _ tensor: Tensor, _ part: Range<Int>? = nil
  ) throws(SafetensorsError) -> [Float] {
    guard tensor.type.isReal else {
      throw .malformed(
        path: path, [.wrongType(name: tensor.name, expected: .f32, found: tensor.type)])
    }
    let width = tensor.type.bits / 8
    let part = (part ?? 0..<tensor.range.count / width)
      .clamped(to: 0..<tensor.range.count / width)
    var numbers: [Float] = []
    numbers.reserveCapacity(part.count)
    for start in stride(from: part.lowerBound, to: part.upperBound, by: Self.portion) {
      let end = min(start + Self.portion, part.upperBound)
      let bytes = try bytes(tensor, start * width..<end * width)
      if let value = tensor.type.append(bytes, to: &numbers) {
        throw .beyondRange(path: path, name: tensor.name, value: value)
      }
    }
    return numbers
  }
}

extension Safetensors.DataType {
  /// Adds little-endian numbers of this type, which is real; gives the first that float32 lacks.
  fileprivate func append(_ bytes: [UInt8], to numbers: inout [Float]) -> Double? {
    bytes.withUnsafeBytes { raw -> Double? in
      if self == .f32 {
        numbers.append(contentsOf: raw.bindMemory(to: Float.self))
        return nil
      }
      let width = bits / 8
      for offset in stride(from: 0, to: raw.count - raw.count % width, by: width) {
        switch self {
        case .bf16:
          let pattern = raw.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
          numbers.append(Float(bitPattern: UInt32(UInt16(littleEndian: pattern)) << 16))
        case .f16:
          let pattern = raw.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
          numbers.append(Float(halfBits: UInt16(littleEndian: pattern)))
        case .f64:
          let pattern = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          let value = Double(bitPattern: UInt64(littleEndian: pattern))
          let rounded = Float(value)
          if value.isFinite, !rounded.isFinite { return value }
          numbers.append(rounded)
        case .f32, .bool, .f4, .f6e2m3, .f6e3m2, .u8, .i8, .f8e5m2, .f8e4m3, .f8e8m0,
          .f8e4m3fnuz, .f8e5m2fnuz, .i16, .u16, .i32, .u32, .c64, .i64, .u64:
          return nil
        }
      }
      return nil
    }
  }
}

extension Float {
  /// The number of an IEEE half: a sign, 5 bits of exponent, 10 bits of fraction. Every one is a
  /// float32, and NaNs keep their bits. `Float16` is not there on every machine.
  init(halfBits half: UInt16) {
    let sign = UInt32(half & 0x8000) << 16
    let exponent = UInt32(half >> 10 & 0x1f)
    let fraction = UInt32(half & 0x3ff)
    switch exponent {
    case 0:
      // Zero or below the normal range: fraction · 2^-24.
      let size = Float(fraction) * 0x1p-24
      self = Float(bitPattern: size.bitPattern | sign)
    case 0x1f: self = Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }
}
