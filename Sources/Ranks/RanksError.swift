import SystemFiles

/// Why ranks cannot work together.
public enum RanksError: ExplainedError, Equatable {
  /// So many there cannot be.
  case badCount(Int)
  /// The system has no memory or no thread for a rank.
  case noThread(rank: Int, code: Int32)
  /// Exchanges fail: ranks disagree about them, or one is gone.
  case failed(reason: String)

  public var message: String {
    switch self {
    case .badCount(let count): "there cannot be \(count) ranks"
    case .noThread(let rank, let code):
      "there is no thread for rank \(rank): \(SystemError.text(of: code))"
    case .failed(let reason): "ranks cannot go on: \(reason)"
    }
  }

  public var hint: String {
    switch self {
    case .badCount: "name a number from 1 on"
    case .noThread: "name fewer ranks, or raise the number of processes: see 'ulimit -u'"
    case .failed: "see what that rank says; if it says nothing, report this as a bug of moec"
    }
  }
}
