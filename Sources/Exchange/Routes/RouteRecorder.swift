import Foundation
import SystemFiles

/// Writes the routes of a run, pass by pass.
///
/// The file appears under its name when it is committed for the first time; dropped before, it leaves
/// what was there. From then on it is whole after every pass, so that a process that is killed loses
/// nothing.
public final class RouteRecorder {
  public let header: RouteHeader
  private let path: String
  private let record: RouteRecord
  private var passes = 0
  /// Until the first commit.
  private var draft: AtomicFile?
  /// After it.
  private var file: GrowingFile?

  /// Begins a recording; with `goesOn` one that is there is kept up to this run's first step and
  /// added to. Errors: not to be written, or no recording that this run can add to.
  public init(
    path: String, _ header: RouteHeader, goesOn: Bool = false
  ) throws(RouteFileError) {
    self.path = path
    record = RouteRecord(header)
    let old = goesOn ? try RouteRecorder.kept(path, header) : nil
    self.header = old ?? header
    do {
      try AtomicFile.check(path)
      let opening = try RouteRecorder.opening(self.header)
      if let old {
        passes = (header.firstStep - old.firstStep) * header.passes
        file = try GrowingFile(
          path: path, keeping: opening.count + passes * record.size, mark: end)
      } else {
        let draft = try AtomicFile(replacing: path)
        try draft.write(opening)
        self.draft = draft
      }
    } catch {
      throw .unreadable(error)
    }
  }

  /// The header of a recording to go on with; nil if there is none.
  private static func kept(
    _ path: String, _ run: RouteHeader
  ) throws(RouteFileError) -> RouteHeader? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_size > 0 else { return nil }
    let reader = try RouteReader(path: path, mayBeTorn: true)
    try reader.check(before: run)
    return reader.header
  }

  private static func opening(_ header: RouteHeader) throws(FileError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Names and whole numbers can always be encoded.
    let json = (try? encoder.encode(header)).map(Array.init) ?? []
    return RouteHeader.magic + RouteRecord.bytes(UInt64(json.count)) + json
  }

  private var end: [UInt8] { RouteHeader.endMagic + RouteRecord.bytes(UInt64(passes)) }

  /// Adds the experts of the next pass, as `Model.chosenExperts` gives them.
  public func append(_ experts: [Int32]) throws(RouteFileError) {
    let bytes = record.packed(experts, place: passes)
    passes += 1
    do {
      try draft?.write(bytes)
      try file?.append(bytes, mark: end)
    } catch {
      passes -= 1
      throw .unreadable(error)
    }
  }

  /// Makes the file appear, or what was added to it last.
  public func commit() throws(RouteFileError) {
    do {
      if let draft {
        try draft.write(end)
        try draft.commit()
        self.draft = nil
        file = try GrowingFile(path: path, mark: end)
      } else {
        try file?.synchronize()
      }
    } catch {
      throw .unreadable(error)
    }
  }
}
