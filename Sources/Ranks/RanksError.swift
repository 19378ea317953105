import SystemFiles

/// Why ranks cannot work together.
public enum RanksError: ExplainedError, Equatable {
  /// So many there cannot be.
  case badCount(Int)
  /// The system has no memory or no thread for a rank.
  case noThread(rank: Int, code: Int32)
  /// Exchanges fail: ranks disagree about them, or one is gone.
  case failed(reason: String)
  /// What `mpicc` made does not load.
  case cannotLoad(reason: String)
  /// MPI cannot be joined or left.
  case mpi(reason: String)
  /// So many ranks were started by one MPI's launcher, of which another's library found this many,
  /// or would end the process to look.
  case otherLauncher(String, ranks: Int, library: String, found: Int?)

  public var message: String {
    switch self {
    case .badCount(let count): "there cannot be \(count) ranks"
    case .noThread(let rank, let code):
      "there is no thread for rank \(rank): \(SystemError.text(of: code))"
    case .failed(let reason): "ranks cannot go on: \(reason)"
    case .cannotLoad(let reason): "what mpicc compiled does not load: \(reason)"
    case .mpi(let reason): "MPI fails: \(reason)"
    case .otherLauncher(let launcher, let ranks, let library, let found):
      "\(launcher) started \(ranks) ranks, but moec was given \(library)"
        + (found.map { ", which finds \($0)" } ?? ", which is not of its kind")
    }
  }

  public var hint: String {
    switch self {
    case .badCount: "name a number from 1 on"
    case .noThread: "name fewer ranks, or raise the number of processes: see 'ulimit -u'"
    case .failed: "see what that rank says; if it says nothing, report this as a bug of moec"
    case .cannotLoad:
      "add the folder of its libmpi to LD_LIBRARY_PATH, or name another: MOEC_MPICC=/path/to/mpicc"
    case .mpi: "see whether other programs of this MPI run, and what they print"
    case .otherLauncher:
      "name the mpicc that belongs to that launcher: MOEC_MPICC=/path/to/mpicc"
    }
  }
}
