import JSON
import ModelRuntime
import SystemFiles

extension Safetensors {
  /// A float32 tensor to be written; its numbers are asked for when their turn comes.
  public struct Output {
    public var name: String
    public var shape: [Int]
    /// Its numbers, one part after the other: only one is in memory at a time.
    public var parts: [() throws -> [Float]]

    public init(name: String, shape: [Int], numbers: @escaping () throws -> [Float]) {
      self.init(name: name, shape: shape, parts: [numbers])
    }

    public init(name: String, shape: [Int], parts: [() throws -> [Float]]) {
      self.name = name
      self.shape = shape
      self.parts = parts
    }

    /// All its numbers.
    public func numbers() throws -> [Float] { try parts.flatMap { try $0() } }

    var count: Int { shape.reduce(1, *) }
    var bytes: Int { count * DataType.f32.bits / 8 }
  }

  /// Writes a file that appears whole or not at all; the same input gives the same bytes.
  ///
  /// Errors: `FileError` for the file, whatever `numbers` throws for a tensor; the old file is then
  /// untouched.
  public static func write(
    _ tensors: [Output], metadata: [String: String], to path: String
  ) throws {
    let sorted = inOrder(tensors)
    let file = try AtomicFile(replacing: path)
    try file.write(headerBytes(sorted, metadata: metadata))
    for tensor in sorted {
      var written = 0
      for part in tensor.parts {
        let numbers = try part()
        written += numbers.count
        try file.write(numbers)
      }
      guard written == tensor.count else {
        throw ModelError.wrongCount(what: tensor.name, expected: tensor.count, found: written)
      }
    }
    try file.commit()
  }

  /// The order in which tensors are written, and asked for their numbers.
  static func inOrder(_ tensors: [Output]) -> [Output] { tensors.sorted { $0.name < $1.name } }

  /// The header's length and the header, padded so that the data begin at a multiple of 8.
  static func headerBytes(_ tensors: [Output], metadata: [String: String]) -> [UInt8] {
    let notes = metadata.sorted { $0.key < $1.key }
      .map { JSON.Member(key: Array($0.key.utf8), value: .text($0.value)) }
    var members = [JSON.Member(key: Array("__metadata__".utf8), value: .object(notes))]
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.bytes
      let entry: JSON = .members([
        "dtype": .text("F32"), "shape": .array(tensor.shape.map(JSON.count)),
        "data_offsets": .array([.count(offset), .count(end)]),
      ])
      members.append(JSON.Member(key: Array(tensor.name.utf8), value: entry))
      offset = end
    }
    var header = Array(JSON.object(members).line.utf8)
    header += [UInt8](repeating: 0x20, count: (8 - header.count % 8) % 8)
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header
  }
}
