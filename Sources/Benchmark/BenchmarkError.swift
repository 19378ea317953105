import SystemFiles

/// Why a library cannot be measured.
public enum BenchmarkError: ExplainedError, Equatable {
  /// Its sources are not what this version of moec makes of its graph.
  case otherVersion(library: String, file: String)
  /// Its graph cannot be read.
  case badGraph(library: String, reason: String)
  /// A library that was made for the measurement cannot be loaded.
  case cannotLoad(reason: String)
  /// So many ranks share out its experts, and one process is measured.
  case sharesExperts(library: String, among: Int)
  /// No memory for the probe's buffers.
  case noMemory
  /// What was measured gave a loss or logits that are not finite: a step then ends before backward,
  /// and its time would be that of forward.
  case notFinite(work: Work, place: String?)
  /// No folder for the measurement's files.
  case noFolder(path: String)

  public var message: String {
    switch self {
    case .otherVersion(let library, let file):
      return "\(library) was compiled by another version of moec: its \(file) differs"
    case .badGraph(let library, let reason):
      return "the graph that \(library) carries cannot be used: \(reason)"
    case .cannotLoad(let reason): return "the library to be measured cannot be loaded: \(reason)"
    case .sharesExperts(let library, let ranks):
      return "one process cannot measure \(library), whose experts \(ranks) ranks share out"
    case .noMemory: return "no memory for the buffers with which the machine is measured"
    case .notFinite(let work, let place):
      return "the model's numbers are not finite in \(work.title)"
        + (place.map { ", and \($0) is the first where it went wrong" } ?? "")
    case .noFolder(let path): return "cannot write to the temporary folder \(path)"
    }
  }

  public var hint: String {
    switch self {
    case .otherVersion, .badGraph: return "compile the model again with this moec"
    case .cannotLoad: return "name another C compiler with --cc"
    case .sharesExperts:
      return "measure the model compiled without --expert-ranks: the kernels are the same"
    case .noMemory: return "close other programs"
    case .notFinite:
      return "use a lower learning rate in the model's optimizer, or smaller initial weights"
    case .noFolder: return "set TMPDIR to a folder that can be written"
    }
  }
}
