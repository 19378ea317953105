import JSON
import SystemFiles

/// A safetensors file, open for reading: 8 bytes of header length, a JSON header, the data.
///
/// Everything that the header claims is checked when the file is opened, and nothing is allocated
/// for a claim that the file's size does not bear out.
public final class Safetensors {
  public let path: String
  public let metadata: [String: String]
  /// In the order of their data.
  public let tensors: [Tensor]
  private let file: InputFile
  private let dataStart: Int

  /// One tensor of the file.
  public struct Tensor: Equatable, Sendable {
    public var name: String
    public var type: Safetensors.DataType
    public var shape: [Int]
    /// Its bytes, counted from the start of the data.
    public var range: Range<Int>
  }

  /// The format's own bound on the header.
  static let longestHeader = 100_000_000

  /// Opens and checks a file. Errors: unreadable, or malformed with all that is wrong.
  public init(path: String) throws(SafetensorsError) {
    file = try reading { () throws(FileError) in try InputFile(path: path) }
    let length = try Safetensors.headerLength(of: file)
    let header = try Safetensors.header(of: file, length: length)
    dataStart = 8 + length
    var checker = SafetensorsChecker(available: file.size - dataStart)
    checker.check(header)
    guard checker.problems.isEmpty else {
      throw .malformed(path: path, checker.problems)
    }
    metadata = checker.metadata
    tensors = checker.tensors
    self.path = path
  }

  /// Bytes of all tensors.
  var dataSize: Int { file.size - dataStart }

  /// The bytes `range` of a tensor's data.
  package func bytes(_ tensor: Tensor, _ range: Range<Int>) throws(SafetensorsError) -> [UInt8] {
    let start = dataStart + tensor.range.lowerBound
    return try reading { () throws(FileError) in
      try file.bytes(start + range.lowerBound..<start + range.upperBound)
    }
  }

  private static func headerLength(of file: InputFile) throws(SafetensorsError) -> Int {
    guard file.size >= 8 else {
      throw .malformed(path: file.path, [.tooShort(bytes: file.size)])
    }
    let bytes = try reading { () throws(FileError) in try file.bytes(0..<8) }
    let claimed = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let available = min(file.size - 8, longestHeader)
    guard claimed <= UInt64(available) else {
      throw .malformed(
        path: file.path, [.headerTooLong(claimed: claimed, available: available)])
    }
    return Int(claimed)
  }

  private static func header(
    of file: InputFile, length: Int
  ) throws(SafetensorsError) -> [JSON.Member] {
    let bytes = try reading { () throws(FileError) in try file.bytes(8..<8 + length) }
    do throws(JSON.Failure) {
      if let offset = MarkRuns.excessive(in: bytes) {
        throw JSON.Failure(offset: offset, reason: "a character has too many marks")
      }
      guard let members = try JSON.parse(bytes, .strict).members, bytes.first == 0x7b else {
        throw JSON.Failure(offset: 0, reason: "an object is expected")
      }
      return members
    } catch .notUTF8 {
      throw .malformed(path: file.path, [.headerNotUTF8])
    } catch {
      throw .malformed(
        path: file.path, [.headerNotJSON(offset: error.offset, reason: error.reason)])
    }
  }
}

/// The same work, its file error told as a weights file's.
private func reading<Value>(
  _ work: () throws(FileError) -> Value
) throws(SafetensorsError) -> Value {
  do throws(FileError) {
    return try work()
  } catch {
    throw .unreadable(error)
  }
}
