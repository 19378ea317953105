import CModelABI

/// A model in memory: parameters, what training keeps beside them, and the calls that use them.
///
/// Owns one `moec_model`. Used from one thread at a time; different models are independent.
public final class Model {
  public let library: ModelLibrary
  public var manifest: Manifest { library.manifest }
  let handle: OpaquePointer

  /// The way to other ranks, if it is one of several.
  private let exchange: UnsafePointer<moec_exchange>?

  /// As set by `setThreads`; nil: as many as OpenMP likes.
  public private(set) var threads: Int?

  /// Allocates a model, parameters unset.
  ///
  /// - Parameters:
  ///   - exchange: makes it one of several ranks, as long as it lives; nil: it is alone.
  ///   - batches: how many this rank accumulates for an update.
  /// - Throws: no memory; the library knows no ranks, or its experts are for another number of them.
  public init(
    _ library: ModelLibrary, exchange: UnsafePointer<moec_exchange>? = nil, batches: Int = 1
  ) throws(ModelError) {
    try Self.check(library.manifest.expertRanks, exchange, batches)
    guard let handle = try Self.created(library, exchange, batches) else {
      throw .noMemory(bytes: library.manifest.memory.total(batches: batches))
    }
    self.library = library
    self.handle = handle
    self.exchange = exchange
  }

  /// A model for other parameters, which evaluates as this one does: with other ranks where these share out the experts.
  public func companion() throws(ModelError) -> Model {
    let companion = try Model(library, exchange: manifest.expertRanks > 1 ? exchange : nil)
    if let threads { try companion.setThreads(threads) }
    return companion
  }

  /// Whether all ranks take part in reading what is kept for a parameter.
  public func isReadByAll(_ kind: Kind, _ index: Int) -> Bool {
    switch kind {
    case .firstMoment, .secondMoment: exchange != nil
    case .value: manifest.expertRanks > 1 && manifest.parameters[index].steps > 1
    case .gradient, .stepCounts: false
    }
  }

  private static func check(
    _ sharers: Int, _ exchange: UnsafePointer<moec_exchange>?, _ batches: Int
  ) throws(ModelError) {
    if sharers == 1 { return }
    let ranks = exchange.map { Int($0.pointee.ranks) } ?? 1
    if ranks % sharers != 0 { throw .sharesExperts(among: sharers, ranks: ranks) }
    if batches & (batches - 1) != 0 { throw .sharesExpertsOfBatches(batches) }
  }

  private static func created(
    _ library: ModelLibrary, _ exchange: UnsafePointer<moec_exchange>?, _ batches: Int
  ) throws(ModelError) -> OpaquePointer? {
    if exchange == nil, batches == 1 { return library.functions.create() }
    guard let function = library.functions.createRank else {
      // Older ones take several batches too, if they were told so when they were compiled.
      if exchange == nil { return library.functions.create() }
      throw .lacks(.createRank)
    }
    guard let count = Int32(exactly: batches) else { return nil }
    return function(exchange, count)
  }

  deinit { library.functions.destroy(handle) }

  /// Sets parameters as the model declares them; gradients, moments and step counts to 0.
  public func initialize(seed: UInt64) {
    library.functions.initialize(handle, seed)
  }

  /// Sets how many threads later calls use, at least 1; results do not depend on it. Errors: the
  /// system does not give as many.
  public func setThreads(_ count: Int) throws(ModelError) {
    guard let count = Int32(exactly: count) else {
      throw .failed(call: "threads", reason: "\(count) is out of range")
    }
    let startable = count > 1 ? ThreadProbe.startable(Int(count)) : 1
    if startable < count { throw .noThreads(asked: Int(count), given: max(1, startable)) }
    try check(library.functions.setThreads(handle, count), "threads")
    threads = Int(count)
  }

  /// A target that is ignored: the loss is the mean over the others.
  public static let ignoredTarget = Int32(MOEC_IGNORED)

  /// Forward, backward and one AdamW step on `tokens` and `targets`, [B, T] each.
  ///
  /// Returns the loss before the step, in training mode; it may be NaN if the model diverged.
  public func trainStep(
    tokens: [Int32], targets: [Int32], with hyper: Hyperparameters
  ) throws(ModelError) -> Float {
    try checkBatch(tokens, targets)
    var numbers = hyper.numbers
    return try check(
      library.functions.trainStep(handle, tokens, targets, &numbers), "training step")
  }

  /// Forward and backward only, in training mode; the gradients are then read by `read`.
  public func gradients(
    tokens: [Int32], targets: [Int32], seed: UInt64
  ) throws(ModelError) -> Float {
    try checkBatch(tokens, targets)
    return try check(library.functions.gradients(handle, tokens, targets, seed), "gradients")
  }

  /// The mean loss over `tokens` and `targets`, [B, T] each, in evaluation mode.
  public func loss(
    tokens: [Int32], targets: [Int32], seed: UInt64
  ) throws(ModelError) -> Float {
    try checkBatch(tokens, targets)
    return try check(library.functions.loss(handle, tokens, targets, seed), "loss")
  }

  /// The mean losses of several batches, `tokens` and `targets` [count, B, T], a seed for each.
  ///
  /// The numbers are those of as many calls of `loss`; threads take whole batches side by side where
  /// the library can do that. Batches behind one whose loss is not finite may be left out: NaN.
  public func losses(
    tokens: [Int32], targets: [Int32], seeds: [UInt64]
  ) throws(ModelError) -> [Float] {
    let each = manifest.batch * manifest.context
    try check(tokens, "tokens", count: seeds.count * each)
    try check(targets, "targets", count: seeds.count * each)
    guard let function = library.functions.losses, let count = Int32(exactly: seeds.count) else {
      var losses: [Float] = []
      for (index, seed) in seeds.enumerated() {
        let batch = index * each..<(index + 1) * each
        losses.append(
          try loss(tokens: Array(tokens[batch]), targets: Array(targets[batch]), seed: seed))
      }
      return losses
    }
    var losses = [Float](repeating: .nan, count: seeds.count)
    try check(function(handle, count, tokens, targets, seeds, &losses), "losses")
    return losses
  }

  /// One sequence of 1 to T tokens -> its logits [length, V], in evaluation mode.
  public func logits(tokens: [Int32], seed: UInt64) throws(ModelError) -> [Float] {
    guard (1...manifest.context).contains(tokens.count) else {
      throw .wrongCount(what: "tokens", expected: manifest.context, found: tokens.count)
    }
    var logits = [Float](repeating: 0, count: tokens.count * manifest.vocabulary)
    try check(
      library.functions.logits(handle, tokens, Int32(tokens.count), seed, &logits), "logits")
    return logits
  }
}

extension Model {
  /// The logits [V] of the last of 1 to T tokens, in evaluation mode: what the next token is drawn from. Older
  /// libraries make those of all tokens for it.
  public func next(tokens: [Int32], seed: UInt64) throws(ModelError) -> [Float] {
    guard let function = library.functions.next else {
      return Array(try logits(tokens: tokens, seed: seed).suffix(manifest.vocabulary))
    }
    guard (1...manifest.context).contains(tokens.count) else {
      throw .wrongCount(what: "tokens", expected: manifest.context, found: tokens.count)
    }
    var logits = [Float](repeating: 0, count: manifest.vocabulary)
    try check(function(handle, tokens, Int32(tokens.count), seed, &logits), "logits")
    return logits
  }
}

// MARK: - Parameters

extension Model {
  /// What is kept for each parameter, by the ABI's numbers.
  public enum Kind: Int32, Sendable, CaseIterable {
    case value = 0
    case gradient = 1
    case firstMoment = 2
    case secondMoment = 3
    case stepCounts = 4
  }

  /// Whether `kind` is kept for parameter `index`: of one without gradient its value alone.
  public func keeps(_ kind: Kind, of index: Int) -> Bool {
    kind == .value || manifest.parameters[index].hasGradient
  }

  /// How many numbers `kind` has for parameter `index`.
  public func count(_ kind: Kind, of index: Int) -> Int {
    let parameter = manifest.parameters[index]
    return kind == .stepCounts ? parameter.steps : parameter.count
  }

  /// Copies out, row-major in the manifest's shape.
  public func read(_ kind: Kind = .value, _ index: Int) throws(ModelError) -> [Float] {
    var numbers = [Float](repeating: 0, count: count(kind, of: index))
    let name = manifest.parameters[index].name
    let status = library.functions.read(handle, kind.rawValue, Int32(index), &numbers)
    if status != 0 && kind == .gradient && keeps(kind, of: index) {
      throw .keepsNoGradient(of: name)
    }
    try check(status, "reading \(name)")
    return numbers
  }

  /// Copies out numbers of it, as they stand in that order; all of it where the library cannot give a part.
  public func read(
    _ kind: Kind = .value, _ index: Int, _ range: Range<Int>
  ) throws(ModelError) -> [Float] {
    guard let readPart = library.functions.readPart else {
      return Array(try read(kind, index)[range])
    }
    var numbers = [Float](repeating: 0, count: range.count)
    try check(
      readPart(
        handle, kind.rawValue, Int32(index), Int64(range.lowerBound), Int64(range.count), &numbers),
      "reading \(manifest.parameters[index].name)")
    return numbers
  }

  /// The parts in which to read what is large, so that no second one of it is in memory: all of it where several
  /// ranks must read it together, or the library gives no parts.
  public func parts(_ kind: Kind = .value, of index: Int) -> [Range<Int>] {
    let count = count(kind, of: index)
    guard library.functions.readPart != nil, !isReadByAll(kind, index) else { return [0..<count] }
    return stride(from: 0, to: count, by: Self.largestPart).map {
      $0..<min($0 + Self.largestPart, count)
    }
  }

  private static let largestPart = 1 << 20

  /// Copies in, row-major in the manifest's shape.
  public func write(
    _ numbers: [Float], _ kind: Kind = .value, _ index: Int
  ) throws(ModelError) {
    let expected = count(kind, of: index)
    guard numbers.count == expected else {
      let name = manifest.parameters[index].name
      throw .wrongCount(what: name, expected: expected, found: numbers.count)
    }
    try check(
      library.functions.write(handle, kind.rawValue, Int32(index), numbers),
      "writing \(manifest.parameters[index].name)")
  }
}

// MARK: - Checks

extension Model {
  func checkBatch(_ tokens: [Int32], _ targets: [Int32]) throws(ModelError) {
    try check(tokens, "tokens", count: manifest.batch * manifest.context)
    try check(targets, "targets", count: manifest.batch * manifest.context)
  }

  private func check(_ ids: [Int32], _ what: String, count: Int) throws(ModelError) {
    guard ids.count == count else {
      throw .wrongCount(what: what, expected: count, found: ids.count)
    }
  }

  func check(_ status: Int32, _ call: String) throws(ModelError) {
    if status != 0 {
      throw .failed(call: call, reason: errorText ?? "failed with \(status)")
    }
  }

  /// NaN with a reason is a failure; NaN without one is what the arithmetic gave.
  func check(_ loss: Float, _ call: String) throws(ModelError) -> Float {
    if loss.isNaN, let reason = errorText { throw .failed(call: call, reason: reason) }
    return loss
  }

  private var errorText: String? {
    guard let text = library.functions.error(handle), text.pointee != 0 else { return nil }
    return String(cString: text)
  }
}
