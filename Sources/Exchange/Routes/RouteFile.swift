import Foundation
import ModelRuntime
import SystemFiles

/// What a recording of routes is of: its header.
///
/// The file is 8 bytes `moecrts1`, the size of the header in 8 bytes, the header as JSON, one
/// record for each pass, then 8 bytes `moecend1` and the number of records in 8 bytes; numbers have
/// their lowest byte first. A record holds the experts of a pass, router after router,
/// [tokens, choices] each, every one in the fewest bits that its router's experts need, lowest bit
/// first, filled up to whole 8 bytes, and then 8 bytes that depend on all of these and on the
/// record's place.
public struct RouteHeader: Equatable, Sendable, Codable {
  /// The model's name, for people.
  public var model: String
  /// A number of the model's batch, context, routers and parameters' names and shapes.
  public var fingerprint: String
  public var batch: Int
  public var context: Int
  /// Passes that make a training step.
  public var passes: Int
  /// The step of the first record.
  public var firstStep: Int
  public var routers: [Manifest.Router]

  enum CodingKeys: String, CodingKey {
    case model, fingerprint, batch, context, passes
    case firstStep = "first_step"
    case routers
  }

  /// The header of a recording of a model. Errors: it routes nothing.
  public init(of manifest: Manifest, passes: Int, firstStep: Int) throws(RouteFileError) {
    if manifest.routers.isEmpty { throw .routesNothing(model: manifest.name) }
    model = manifest.name
    fingerprint = manifest.fingerprint
    (batch, context) = (manifest.batch, manifest.context)
    (self.passes, self.firstStep) = (passes, firstStep)
    routers = manifest.routers
  }

  /// `makemoe` with batch 16, context 32 and 8 routers.
  var description: String {
    "\(model) with batch \(batch), context \(context) and \(routers.count) "
      + (routers.count == 1 ? "router" : "routers")
  }

  static let magic = Array("moecrts1".utf8)
  static let endMagic = Array("moecend1".utf8)
}

/// Why routes cannot be recorded or replayed.
public enum RouteFileError: ExplainedError, Equatable {
  case unreadable(FileError)
  /// The file is damaged, cut short, or was never a recording.
  case malformed(path: String, reason: String)
  case otherModel(path: String, recorded: String, model: String)
  /// The run takes another number of batches for a step.
  case otherPasses(path: String, recorded: Int, run: Int)
  /// The run has steps that were not recorded.
  case tooShort(path: String, recorded: Range<Int>, run: Range<Int>)
  /// The run that goes on does not go on where the recording ends.
  case gap(path: String, recorded: Range<Int>, next: Int)
  case routesNothing(model: String)

  public var message: String {
    switch self {
    case .unreadable(let error): return error.message
    case .malformed(let path, let reason):
      return "\(path) is no sound recording of routes: \(reason)"
    case .otherModel(let path, let recorded, let model):
      return recorded == model
        ? "\(path) was recorded from another \(model), whose routers or parameters differ"
        : "\(path) was recorded from another model, \(recorded); this is \(model)"
    case .otherPasses(let path, let recorded, let run):
      return "\(path) has \(recorded) batches for each step, this run takes \(run)"
    case .tooShort(let path, let recorded, let run):
      return "\(path) has \(Self.steps(recorded)), this run needs \(Self.steps(run))"
    case .gap(let path, let recorded, let next):
      return "\(path) has \(Self.steps(recorded)), and this run goes on at step \(next)"
    case .routesNothing(let model):
      return "\(model) routes nothing: there are no routes to record or replay"
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error): return error.hint
    case .malformed: return "record the run again with --record, or use another copy"
    case .otherModel: return "use the library that it was recorded with; capacities may differ"
    case .otherPasses(_, let recorded, _): return "replay it with --accumulate \(recorded)"
    case .tooShort: return "train no more --steps than were recorded"
    case .gap: return "name another file, or begin this one anew with --overwrite"
    case .routesNothing: return "use a model with a mixture of experts"
    }
  }

  private static func steps(_ range: Range<Int>) -> String {
    range.isEmpty ? "no steps" : "steps \(range.lowerBound) to \(range.upperBound - 1)"
  }
}

/// How the experts of a pass become a record.
struct RouteRecord {
  /// Choices of a pass and the bits of each, by router.
  private let fields: [(count: Int, bits: Int)]

  /// Bytes of a record without those that check it.
  let bytes: Int

  init(_ header: RouteHeader) {
    let tokens = header.batch * header.context
    fields = header.routers.map { router in
      let bits = max(1, Int.bitWidth - (router.experts - 1).leadingZeroBitCount)
      return (tokens * router.choices, bits)
    }
    bytes = (fields.reduce(0) { $0 + $1.count * $1.bits } + 63) / 64 * 8
  }

  /// Choices of all routers.
  var count: Int { fields.reduce(0) { $0 + $1.count } }

  /// Bytes of a record with its check.
  var size: Int { bytes + 8 }

  func packed(_ experts: [Int32], place: Int) -> [UInt8] {
    var words: [UInt64] = []
    words.reserveCapacity(bytes / 8 + 1)
    var word: UInt64 = 0
    var (used, index) = (0, 0)
    for field in fields {
      let bits = field.bits
      for _ in 0..<field.count {
        let value = UInt64(truncatingIfNeeded: experts[index])
        index &+= 1
        word |= value &<< UInt64(truncatingIfNeeded: used)
        used &+= bits
        if used >= 64 {
          words.append(word)
          used &-= 64
          // What did not fit; nothing where the value ended with the word.
          word = used == 0 ? 0 : value &>> UInt64(truncatingIfNeeded: bits &- used)
        }
      }
    }
    if used > 0 { words.append(word) }
    words.append(Self.check(words[...], place: place))
    return words.map(\.littleEndian).withUnsafeBytes(Array.init)
  }

  /// The experts of a record; nil if it is damaged.
  func unpacked(_ record: [UInt8], place: Int) -> [Int32]? {
    let words = record.withUnsafeBytes { raw in
      (0..<raw.count / 8).map {
        UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
      }
    }
    guard words.last == Self.check(words.dropLast(), place: place) else { return nil }
    var experts: [Int32] = []
    experts.reserveCapacity(count)
    var bit = 0
    for field in fields {
      let bits = field.bits
      let mask = UInt64(1) << UInt64(bits) - 1
      for _ in 0..<field.count {
        let (first, shift) = (bit &>> 6, bit & 63)
        var value = words[first] &>> UInt64(truncatingIfNeeded: shift)
        if shift &+ bits > 64 {
          value |= words[first &+ 1] &<< UInt64(truncatingIfNeeded: 64 &- shift)
        }
        experts.append(Int32(truncatingIfNeeded: value & mask))
        bit &+= bits
      }
    }
    return experts
  }

  /// A number that depends on every bit of a record and on its place.
  private static func check(_ words: ArraySlice<UInt64>, place: Int) -> UInt64 {
    var hash = 0x9e37_79b9_7f4a_7c15 &* UInt64(place + 1)
    for word in words {
      hash = (hash ^ word) &* 0xbf58_476d_1ce4_e5b9
      hash ^= hash >> 29
    }
    return hash
  }

  static func bytes(_ word: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
  }

  static func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
  }
}
