import Foundation
import SystemFiles

/// Writes TensorBoard event files: one for each process, in a folder of the run.
///
/// A file is a row of records, `u64 length · u32 checksum · bytes · u32 checksum`, whose bytes are
/// `Event` messages: a wall time, a step, and scalars or a text by tag.
public final class TensorBoardWriter: Tracker {
  private let handle: FileHandle
  private let tags: [String: String]
  private let complain: (String) -> Void
  private var isBroken = false

  /// What TensorBoard shows metrics as; others keep their names.
  static let usualTags = [
    "train_loss": "loss/train", "val_loss": "loss/validation", "batch_loss": "loss/batch",
    "ema_val_loss": "loss/validation_of_average",
    "tokens_per_second": "speed/tokens_per_second", "learning_rate": "optimizer/learning_rate",
    "gradient_norm": "optimizer/gradient_norm", "tokens": "progress/tokens",
    "seconds": "progress/seconds",
  ]

  /// Makes the folder if need be, and an event file in it. `resumed` is the step that a run goes on
  /// from: what is in the folder from there on is then no longer shown. `complain` is told once if
  /// writing fails later.
  public init(
    folder: String, resumedAt resumed: Int? = nil, complain: @escaping (String) -> Void
  ) throws {
    guard let folder = PlainPath.of(folder) else {
      throw NSError(
        domain: NSPOSIXErrorDomain, code: Int(errno), userInfo: [NSFilePathErrorKey: folder])
    }
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    let path = (folder as NSString).appendingPathComponent(TensorBoardWriter.fileName())
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw NSError(
        domain: NSPOSIXErrorDomain, code: Int(errno), userInfo: [NSFilePathErrorKey: path])
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    tags = TensorBoardWriter.usualTags
    self.complain = complain
    write { $0.add(3, "brain.Event:2") }
    if let resumed {
      var start = ProtocolBuffer()
      start.add(1, Int64(1))  // SessionLog.START
      write(step: resumed) { $0.add(7, start) }
    }
  }

  public func log(parameters: [String: String]) {
    let rows = parameters.sorted { $0.key < $1.key }.map { "| \($0.key) | \($0.value) |" }
    let table = (["| name | value |", "|---|---|"] + rows).joined(separator: "\n")
    write(step: 0) { $0.add(5, summary(text: table, tag: "parameters")) }
  }

  public func log(metrics: [String: Double], step: Int) {
    var summary = ProtocolBuffer()
    for (name, value) in metrics.sorted(by: { $0.key < $1.key }) {
      var scalar = ProtocolBuffer()
      scalar.add(1, tags[name] ?? name)
      scalar.add(2, Float(value))
      summary.add(1, scalar)
    }
    write(step: step) { $0.add(5, summary) }
  }

  /// Event files hold numbers and texts only.
  public func log(file path: String, as name: String) {}

  public func log(_ content: Data, as name: String) {}

  public func finish(_ status: TrackingStatus) { try? handle.close() }

  /// A tensor of one string that the text plugin shows.
  private func summary(text: String, tag: String) -> ProtocolBuffer {
    var tensor = ProtocolBuffer()
    tensor.add(1, Int64(7))  // DT_STRING
    tensor.add(2, ProtocolBuffer())
    tensor.add(8, text)
    var plugin = ProtocolBuffer()
    plugin.add(1, "text")
    var metadata = ProtocolBuffer()
    metadata.add(1, plugin)
    var value = ProtocolBuffer()
    value.add(1, tag)
    value.add(8, tensor)
    value.add(9, metadata)
    var summary = ProtocolBuffer()
    summary.add(1, value)
    return summary
  }

  private func write(step: Int = 0, _ fill: (inout ProtocolBuffer) -> Void) {
    var event = ProtocolBuffer()
    event.add(1, Date().timeIntervalSince1970)
    event.add(2, Int64(step))
    fill(&event)
    guard !isBroken else { return }
    do {
      try handle.write(contentsOf: Data(TensorBoardWriter.record(event.bytes)))
    } catch {
      isBroken = true
      complain("TensorBoard's events cannot be written any more: \(error.localizedDescription)")
    }
  }

  /// A record with both checksums.
  static func record(_ bytes: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(bytes.count))
    return length + littleEndian(CRC32C.masked(length)) + bytes
      + littleEndian(CRC32C.masked(bytes))
  }

  /// `events.out.tfevents.SECONDS.HOST.PROCESS.NUMBER`; TensorBoard reads them by name in order.
  private static func fileName() -> String {
    let process = ProcessInfo.processInfo
    let seconds = Int(Date().timeIntervalSince1970)
    let host = process.hostName.replacing("/", with: "_")
    let number = UInt32.random(in: 0 ..< .max)
    return "events.out.tfevents.\(seconds).\(host).\(process.processIdentifier).\(number)"
  }
}
