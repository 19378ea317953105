import SystemFiles
import Words

/// Why a call into a model failed.
public enum ModelError: ExplainedError, Equatable {
  /// The library could not allocate its arena.
  case noMemory(bytes: Int)
  /// The system does not start as many threads.
  case noThreads(asked: Int, given: Int)
  /// The library refused the call, in its own words.
  case failed(call: String, reason: String)
  /// The library was compiled without a function that this needs.
  case lacks(OptionalFunction)
  /// The library was compiled without room for the gradients of several batches.
  case takesOneBatch
  /// The library was compiled for rows of one document each.
  case takesNoDocuments
  /// So many ranks share out the library's experts, and the model is one of another number of ranks.
  case sharesExperts(among: Int, ranks: Int)
  /// Where ranks share out the experts, each has a power of two of an update's batches.
  case sharesExpertsOfBatches(Int)
  /// The last pass was a training step, which uses gradients up.
  case keepsNoGradient(of: String)
  /// The caller gave another number of values than the call takes.
  case wrongCount(what: String, expected: Int, found: Int)

  public var message: String {
    switch self {
    case .noMemory(let bytes):
      return "no memory for the model: it needs \(bytes.grouped) bytes"
    case .noThreads(let asked, let given):
      return "\(asked.grouped) threads cannot be started: the system gives \(given.grouped)"
    case .failed(let call, let reason):
      return "\(call): \(reason)"
    case .lacks(let function):
      return "the library has no \(function.rawValue), which this needs"
    case .takesOneBatch:
      return "the library takes one batch for each update, so that nothing can be accumulated"
    case .takesNoDocuments:
      return "the library was compiled without --documents: each of its rows is one document"
    case .sharesExperts(let sharers, let ranks):
      return "\(sharers) ranks share out the library's experts, "
        + (ranks == 1 ? "and this is one process" : "which \(ranks) ranks cannot")
    case .sharesExpertsOfBatches(let batches):
      return
        "\(batches) batches of an update for each rank, which shares out experts, are no power of two"
    case .keepsNoGradient(let parameter):
      return "the gradient of \(parameter) went into a training step, which keeps none"
    case .wrongCount(let what, let expected, let found):
      return "\(what): \(expected.grouped) expected, \(found.grouped) given"
    }
  }

  public var hint: String {
    switch self {
    case .noMemory: return "close other programs, or compile the model with a smaller batch"
    case .noThreads:
      return
        "ask for fewer with --threads, or raise the limit on memory or processes (ulimit -v, -u)"
    case .lacks: return "compile the model again with this version of moec"
    case .takesOneBatch: return "compile the model again with --accumulate"
    case .takesNoDocuments: return "compile the model again with --documents"
    case .failed: return "check the data against the model's vocabulary and context"
    case .sharesExperts(let sharers, _):
      return
        "start \(sharers) ranks, or a multiple of them: --ranks \(sharers), or mpirun -np \(sharers)"
    case .sharesExpertsOfBatches:
      return "choose --accumulate so that each rank has 1, 2, 4, 8, … of them"
    case .keepsNoGradient: return "compute gradients without a step, then read them"
    case .wrongCount: return "take the numbers from the library's manifest"
    }
  }
}
