extension Safetensors {
  /// A float32 tensor to be written; its numbers are asked for when their turn comes.
  public struct Output {
    public var name: String
    public var shape: [Int]
    public var numbers: () throws -> [Float]

    public init(name: String, shape: [Int], numbers: @escaping () throws -> [Float]) {
      self.name = name
      self.shape = shape
      self.numbers = numbers
    }

    var bytes: Int { shape.reduce(4, *) }
  }

  /// Writes a file that appears whole or not at all; the same input gives the same bytes.
  ///
  /// Errors: `FileError` for the file, whatever `numbers` throws for a tensor; the old file is then
  /// untouched.
  public static func write(
    _ tensors: [Output], metadata: [String: String], to path: String
  ) throws {
    let sorted = tensors.sorted { $0.name < $1.name }
    let file = try AtomicFile(replacing: path)
    try file.write(headerBytes(sorted, metadata: metadata))
    for tensor in sorted {
      let numbers = try tensor.numbers()
      guard numbers.count * 4 == tensor.bytes else {
        throw ModelError.wrongCount(
          what: tensor.name, expected: tensor.bytes / 4, found: numbers.count)
      }
      try file.write(numbers)
    }
    try file.commit()
  }

  /// The header's length and the header, padded so that the data begin at a multiple of 8.
  static func headerBytes(_ tensors: [Output], metadata: [String: String]) -> [UInt8] {
    let notes = metadata.sorted { $0.key < $1.key }
      .map { "\(jsonQuoted($0.key)):\(jsonQuoted($0.value))" }
    var entries = ["\"__metadata__\":{\(notes.joined(separator: ","))}"]
    var offset = 0
    for tensor in tensors {
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let end = offset + tensor.bytes
      entries.append(
        "\(jsonQuoted(tensor.name)):{\"dtype\":\"F32\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var header = Array("{\(entries.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
  }

  /// `text` as a JSON string.
  static func jsonQuoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\\(scalar)"
      case "\n": quoted += "\\n"
      case _ where scalar.value < 0x20:
        quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
