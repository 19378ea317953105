import ModelRuntime

extension Session {
  /// Sets as many threads as are asked for, or as are usual and the system gives.
  static func setThreads(
    of model: Model, asked: Int?, usual: Int
  ) throws(ModelError) -> Int {
    let count = asked ?? usual
    do {
      try model.setThreads(count)
      return count
    } catch {
      guard case .noThreads(_, let given) = error, asked == nil else { throw error }
      try model.setThreads(given)
      return given
    }
  }

  /// More threads than processors take turns, and wait for each other all the time.
  public static func threadNote(asked: Int?, _ processors: Processors) -> String? {
    guard let asked, asked > processors.allowed else { return nil }
    let count = processors.allowed
    return "\(asked) threads are more than the \(count) \(count == 1 ? "processor" : "processors") "
      + "that this process may use, and so are slower than \(count)"
  }
}
