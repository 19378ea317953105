import Driver
import Foundation
import Toolchain

/// Turns an SVG into a PNG with twice as many pixels each way, by the first program that is there.
enum Rasterizer {
  private struct Program {
    var name: String
    /// From the files to read and to write.
    var arguments: @Sendable (String, String) -> [String]

    init(_ name: String, _ arguments: @escaping @Sendable (String, String) -> [String]) {
      (self.name, self.arguments) = (name, arguments)
    }
  }

  private static let programs = [
    Program("rsvg-convert") { ["--zoom", "2", "--format", "png", "--output", $1, $0] },
    Program("resvg") { ["--zoom", "2", $0, $1] },
    Program("inkscape") {
      ["--export-type=png", "--export-dpi=192", "--export-filename=\($1)", $0]
    },
    Program("magick") { ["-density", "192", $0, $1] },
  ]

  /// Errors: no such program, or all of them failed.
  static func png(of svg: String) throws -> [UInt8] {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("moec-plot-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let input = folder.appendingPathComponent("chart.svg")
    let output = folder.appendingPathComponent("chart.png")
    try Data(svg.utf8).write(to: input)
    var failed: [String] = []
    for program in programs {
      switch run(program.name, program.arguments(input.path, output.path)) {
      case nil: continue
      case 0?:
        if let data = try? Data(contentsOf: output), data.starts(with: signature) {
          return signed(Array(data))
        }
      default: break
      }
      failed.append(program.name)
    }
    throw CompilationError(
      message: failed.isEmpty
        ? "no program is there that makes a PNG of an SVG"
        : "\(failed.joined(separator: " and ")) made no PNG of the SVG",
      hint: "install librsvg2-bin, whose rsvg-convert does it, or write .svg")
  }

  /// The first bytes of every PNG.
  private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// With a text behind the header, by which moec knows its own pictures from others.
  private static func signed(_ png: [UInt8]) -> [UInt8] {
    let header = signature.count + 25
    guard png.count > header else { return png }
    let content = Array("tEXtSoftware\u{0}moec".utf8)
    let chunk = bigEndian(UInt32(content.count - 4)) + content + bigEndian(crc32(content))
    return png[..<header] + chunk + png[header...]
  }

  private static func bigEndian(_ number: UInt32) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }

  /// The check sum of a chunk (ISO 3309).
  private static func crc32(_ bytes: [UInt8]) -> UInt32 {
    var sum = UInt32.max
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum >> 1 ^ (sum & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~sum
  }

  /// The exit status of a program, or nil where it is not to be found.
  private static func run(_ name: String, _ arguments: [String]) -> Int32? {
    let supervision = Supervision.onTerminal("\(name) makes the picture", limit: limit)
    return try? Subprocess(named: name, arguments: arguments, supervision: supervision)?.run()
      .status
  }

  /// Seconds that a picture may take; it is made in less than one.
  private static let limit = 120.0
}
