extension CCompilerSearch {
  /// What is known of one of the compilers that are tried.
  public struct Candidate: Sendable, Equatable {
    public var path: String
    /// The first line of what `--version` prints; nil if it builds no library.
    public var version: String?
    /// Whether its libraries use several threads.
    public var hasOpenMP: Bool
    /// Why it is of no use, if it is not.
    public var problem: String?
    /// Whether it is the one that `choose` takes.
    public var isChosen: Bool
  }

  /// Every compiler for this machine in the order in which they are tried, all of them probed.
  public func survey() -> [Candidate] {
    var candidates = self.candidates().map { path in
      switch probe(path, nil) {
      case .success(let compiler):
        Candidate(
          path: path, version: compiler.version, hasOpenMP: compiler.openMPFlags != nil,
          isChosen: false)
      case .failure(let failure):
        Candidate(path: path, hasOpenMP: false, problem: failure.text, isChosen: false)
      }
    }
    let chosen =
      candidates.firstIndex { $0.hasOpenMP } ?? candidates.firstIndex { $0.version != nil }
    if let chosen { candidates[chosen].isChosen = true }
    return candidates
  }
}
