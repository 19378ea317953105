import Foundation
import SystemFiles

/// Reads the routes of a run.
public final class RouteReader {
  public let path: String
  public let header: RouteHeader
  private let file: InputFile
  private let record: RouteRecord
  private let start: Int
  private let records: Int

  /// The steps that all passes are there of.
  public var steps: Range<Int> {
    header.firstStep..<header.firstStep + records / header.passes
  }

  /// Opens a file and looks at its header and its end. With `mayBeTorn` the end of one that was being
  /// written when its run was killed is left out. Errors: unreadable, no recording.
  public init(path: String, mayBeTorn: Bool = false) throws(RouteFileError) {
    self.path = path
    do {
      file = try InputFile(path: path)
    } catch {
      throw .unreadable(error)
    }
    (header, start) = try Self.header(file)
    record = RouteRecord(header)
    if let whole = try Self.records(file, from: start, record) {
      records = whole
    } else if mayBeTorn, file.size >= start {
      records = (file.size - start) / record.size
    } else {
      throw Self.cut(path)
    }
  }

  /// How many records there are; nil if the end does not say so.
  private static func records(
    _ file: InputFile, from start: Int, _ record: RouteRecord
  ) throws(RouteFileError) -> Int? {
    let rest = file.size - start - 16
    guard rest >= 0, rest % record.size == 0 else { return nil }
    let end = try bytes(file, file.size - 16..<file.size)
    let records = rest / record.size
    guard Array(end.prefix(8)) == RouteHeader.endMagic,
      RouteRecord.word(end, at: 8) == UInt64(records)
    else { return nil }
    return records
  }

  /// Whether it is of such a model and has these steps, all sound.
  public func check(_ run: RouteHeader, steps wanted: Range<Int>) throws(RouteFileError) {
    try checkModel(run)
    guard steps.lowerBound <= wanted.lowerBound, wanted.upperBound <= steps.upperBound else {
      throw .tooShort(path: path, recorded: steps, run: wanted)
    }
    for step in wanted {
      for pass in 0..<header.passes { _ = try experts(step: step, pass: pass) }
    }
  }

  /// Whether a run that begins with step `run.firstStep` can add to it.
  func check(before run: RouteHeader) throws(RouteFileError) {
    try checkModel(run)
    guard steps.lowerBound <= run.firstStep, run.firstStep <= steps.upperBound else {
      throw .gap(path: path, recorded: steps, next: run.firstStep)
    }
    guard run.firstStep > steps.lowerBound else { return }
    _ = try experts(step: run.firstStep - 1, pass: header.passes - 1)
  }

  private func checkModel(_ run: RouteHeader) throws(RouteFileError) {
    guard header.fingerprint == run.fingerprint else {
      throw .otherModel(path: path, recorded: header.description, model: run.description)
    }
    guard header.passes == run.passes else {
      throw .otherPasses(path: path, recorded: header.passes, run: run.passes)
    }
  }

  /// The experts of a pass, as `Model.replay` takes them; `step` must be one of `steps`.
  public func experts(step: Int, pass: Int) throws(RouteFileError) -> [Int32] {
    let place = (step - header.firstStep) * header.passes + pass
    guard (0..<records).contains(place) else {
      throw .tooShort(path: path, recorded: steps, run: step..<step + 1)
    }
    let offset = start + place * record.size
    let bytes = try Self.bytes(file, offset..<offset + record.size)
    guard let experts = record.unpacked(bytes, place: place) else {
      throw .malformed(path: path, reason: "step \(step) is damaged")
    }
    return experts
  }

  private static func header(_ file: InputFile) throws(RouteFileError) -> (RouteHeader, Int) {
    let size = file.size
    guard size >= 16 else { throw cut(file.path) }
    let opening = try bytes(file, 0..<16)
    guard Array(opening.prefix(8)) == RouteHeader.magic else {
      throw .malformed(path: file.path, reason: "it does not begin as one")
    }
    let length = RouteRecord.word(opening, at: 8)
    guard length <= UInt64(min(size - 16, 1 << 24)) else { throw cut(file.path) }
    let json = Data(try bytes(file, 16..<16 + Int(length)))
    guard MarkRuns.excessive(in: json) == nil,
      let header = try? JSONDecoder().decode(RouteHeader.self, from: json), header.isPossible
    else { throw .malformed(path: file.path, reason: "its header cannot be read") }
    return (header, 16 + Int(length))
  }

  private static func cut(_ path: String) -> RouteFileError {
    .malformed(path: path, reason: "it is cut short, or something was added")
  }

  private static func bytes(
    _ file: InputFile, _ range: Range<Int>
  ) throws(RouteFileError) -> [UInt8] {
    do {
      return try file.bytes(range)
    } catch {
      throw .unreadable(error)
    }
  }
}

extension RouteHeader {
  /// Whether sizes are such that a record's can be computed.
  fileprivate var isPossible: Bool {
    let sizes = [batch, context, passes]
    let most = 1 << 20
    return sizes.allSatisfy { (1...most).contains($0) } && (0...1 << 40).contains(firstStep)
      && (1...1 << 16).contains(routers.count) && batch * context <= 1 << 24
      && routers.allSatisfy { router in
        (1...1 << 16).contains(router.experts) && (1...router.experts).contains(router.choices)
      }
  }
}
