#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The sections of a program in ELF's form for 64 bits, little end first; no other is read.
enum ObjectSection {
  /// A section's bytes; nil if there is none, or it is compressed.
  static func bytes(of name: String, in path: String) -> [UInt8]? {
    guard let file = FileBytes(path), let start = file.read(at: 0, count: 64),
      start.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2, 1]),
      let table = integer(start, 0x28, 8), let count = integer(start, 0x3c, 2),
      let names = integer(start, 0x3e, 2),
      let headers = file.read(at: table, count: count * headerSize),
      let texts = section(Int(names), headers, file)
    else { return nil }
    let index = (0..<Int(count)).first { index in
      guard let place = integer(headers, index * Int(headerSize), 4),
        var reader = ByteReader(texts, from: Int(place))
      else { return false }
      return reader.text() == name
    }
    return index.flatMap { section($0, headers, file) }
  }

  private static let headerSize: UInt64 = 64
  private static let compressed: UInt64 = 0x800

  private static func section(_ index: Int, _ headers: [UInt8], _ file: FileBytes) -> [UInt8]? {
    let header = index * Int(headerSize)
    guard let flags = integer(headers, header + 8, 8), flags & compressed == 0,
      let offset = integer(headers, header + 24, 8), let size = integer(headers, header + 32, 8)
    else { return nil }
    return file.read(at: offset, count: size)
  }

  private static func integer(_ bytes: [UInt8], _ place: Int, _ size: Int) -> UInt64? {
    var reader = ByteReader(bytes, from: place)
    return reader?.integer(size)
  }
}

/// An open file.
final class FileBytes {
  private let descriptor: Int32

  /// Nil if it cannot be read.
  init?(_ path: String) {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  /// Exactly so many bytes; nil if there are fewer.
  func read(at offset: UInt64, count: UInt64) -> [UInt8]? {
    guard count < 1 << 30, offset < 1 << 40 else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    let size = bytes.withUnsafeMutableBytes {
      pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
    }
    return size == Int(count) ? bytes : nil
  }

  /// What there is from the beginning on, whatever the size is said to be.
  var all: [UInt8] {
    var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 65_536))
    var offset = 0
    while true {
      let count = buffer.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress, $0.count, off_t(offset))
      }
      if count <= 0 { return bytes }
      bytes += buffer[..<count]
      offset += count
    }
  }
}
