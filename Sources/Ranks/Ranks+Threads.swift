import CModelABI
import CRanks
import Foundation

extension Ranks {
  /// Runs `body` once for each of `count` ranks, all at the same time, on threads of this process.
  ///
  /// It returns when all have ended. When one throws, exchanges of the others fail at once.
  ///
  /// - Returns: what the ranks returned, in their order.
  /// - Throws: the error of the rank that failed first; `RanksError` if exchanges failed because
  ///   ranks disagree, or if there is no thread for one.
  public static func threads<Result: Sendable>(
    _ count: Int, stackSize: Int = 8 << 20, body: @escaping @Sendable (Ranks) throws -> Result
  ) throws -> [Result] {
    guard count >= 1, count <= Int(Int32.max) else { throw RanksError.badCount(count) }
    guard let group = ThreadGroup(count) else { throw RanksError.noThread(rank: 0, code: ENOMEM) }
    let outcomes = Outcomes<Result>(count)
    var threads: [RankThread] = []
    for rank in 0..<count {
      do {
        threads.append(
          try RankThread(rank, stackSize: stackSize) { run(rank, of: group, outcomes, body) })
      } catch {
        group.abort(error.message, rank: rank)
        outcomes[rank] = .failure(error)
        break
      }
    }
    for thread in threads { thread.join() }
    return try outcomes.results(of: group)
  }

  private static func run<Result>(
    _ rank: Int, of group: ThreadGroup, _ outcomes: Outcomes<Result>,
    _ body: (Ranks) throws -> Result
  ) {
    do {
      outcomes[rank] = .success(try body(Ranks(ranks_exchange(group.group, Int32(rank)), group)))
      ranks_leave(group.group, Int32(rank))
    } catch {
      outcomes[rank] = .failure(error)
      group.abort("rank \(rank) failed: \(error)", rank: rank)
    }
  }
}

/// The memory that ranks of one process share.
private final class ThreadGroup: Transport, @unchecked Sendable {
  let group: OpaquePointer

  init?(_ count: Int) {
    guard let group = ranks_create(Int32(count)) else { return nil }
    self.group = group
  }

  deinit { ranks_free(group) }

  var failure: String? {
    let (origin, reason) = cause
    return origin == -2 ? nil : reason
  }

  /// The rank because of which exchanges fail, -1 if ranks disagree and -2 if none fails, and why.
  var cause: (origin: Int, reason: String) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { text in
      let origin = ranks_failure(group, text.baseAddress, text.count)
      return (Int(origin), text.baseAddress.map { String(cString: $0) } ?? "")
    }
  }

  func abort(_ message: String?, rank: Int) {
    ranks_abort(group, Int32(rank), message ?? "rank \(rank) has failed")
  }

  /// Who ends is known without it.
  func close() -> Bool { true }
}

/// What came of each rank; every one writes its own.
private final class Outcomes<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Result<Value, any Error>?]

  init(_ count: Int) { values = Array(repeating: nil, count: count) }

  subscript(rank: Int) -> Result<Value, any Error>? {
    get { lock.withLock { values[rank] } }
    set { lock.withLock { values[rank] = newValue } }
  }

  /// What all returned, or the error of the rank that failed first: those of others may only say
  /// that it is gone.
  func results(of group: ThreadGroup) throws -> [Value] {
    let (origin, reason) = group.cause
    if origin >= 0, case .failure(let error)? = self[origin] { throw error }
    if origin != -2 { throw RanksError.failed(reason: reason) }
    return try lock.withLock { try values.compactMap { try $0?.get() } }
  }
}

/// A thread with a stack of the size of a process's own.
private struct RankThread {
  private final class Body {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
  }

  #if canImport(Darwin)
    private typealias Argument = UnsafeMutableRawPointer
    private var thread: pthread_t?
  #else
    private typealias Argument = UnsafeMutableRawPointer?
    private var thread = pthread_t()
  #endif

  init(_ rank: Int, stackSize: Int, _ run: @escaping () -> Void) throws(RanksError) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackSize)
    let body = Unmanaged.passRetained(Body(run))
    let status = pthread_create(&thread, &attributes, Self.start, body.toOpaque())
    guard status == 0 else {
      body.release()
      throw .noThread(rank: rank, code: status)
    }
  }

  func join() {
    #if canImport(Darwin)
      if let thread { pthread_join(thread, nil) }
    #else
      pthread_join(thread, nil)
    #endif
  }

  private static let start: @convention(c) (Argument) -> UnsafeMutableRawPointer? = { argument in
    let pointer: UnsafeMutableRawPointer? = argument
    if let pointer { Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run() }
    return nil
  }
}
