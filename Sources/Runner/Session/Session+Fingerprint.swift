import ModelRuntime

extension Session {
  /// One number for all parameters: runs that end with the same one ended with the same bits.
  ///
  /// It is Σ mix(i · φ + bits[i]) modulo 2^64 over the float32 bits of all parameters, one after
  /// the other in the manifest's order, i counting from 0, with the mixing function and the
  /// constant of `RandomStream`. Errors: a parameter that the library does not give.
  public func fingerprint() throws(ModelError) -> UInt64 {
    var sum: UInt64 = 0
    var offset: UInt64 = 0
    for index in model.manifest.parameters.indices {
      for part in model.parts(of: index) {
        for number in try model.read(.value, index, part) {
          sum &+= RandomStream.mix(offset &+ UInt64(number.bitPattern))
          offset &+= RandomStream.golden
        }
      }
    }
    return sum
  }

  /// `parameters after 100 steps: 0123456789abcdef`.
  public func fingerprintLine(after steps: Int) throws(ModelError) -> String {
    let digits = String(try fingerprint(), radix: 16)
    let padding = String(repeating: "0", count: 16 - digits.count)
    return "parameters after \(steps) steps: \(padding)\(digits)"
  }
}
