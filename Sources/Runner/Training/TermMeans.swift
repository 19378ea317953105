import ModelRuntime
import Words

/// The mean of one of the objective's terms over some steps.
struct TermMean: Equatable, Sendable, Codable {
  var name: String
  var mean: Double
}

/// Adds up the terms of the objective of the steps between two evaluations. Saved with a run, so that
/// one that goes on has the same means.
struct TermSums: Equatable, Sendable, Codable {
  private var sums: [Double] = []
  private var steps = 0

  /// Adds a step's terms.
  mutating func add(_ terms: [Float]) {
    if sums.count != terms.count { (sums, steps) = (terms.map { _ in 0 }, 0) }
    for (index, term) in terms.enumerated() { sums[index] += Double(term) }
    steps += 1
  }

  /// The means of what was added since they were last taken; nil if there was nothing.
  mutating func take(_ terms: [Manifest.Term]) -> [TermMean]? {
    defer { self = TermSums() }
    guard steps > 0, !terms.isEmpty, sums.count == terms.count else { return nil }
    return zip(terms, sums).map { TermMean(name: $0.name, mean: $1 / Double(steps)) }
  }
}

extension [TermMean] {
  /// `terms: balance 1.0213, size 0.5120`: of terms that several layers have, the mean over them.
  var line: String {
    var names: [String] = []
    var sums: [String: (sum: Double, count: Int)] = [:]
    for term in self {
      let name = term.name.split(separator: ".").last.map(String.init) ?? term.name
      if sums[name] == nil { names.append(name) }
      let known = sums[name] ?? (0, 0)
      sums[name] = (known.sum + term.mean, known.count + 1)
    }
    let parts = names.map { name in
      let (sum, count) = sums[name] ?? (0, 1)
      return "\(name) \(fourDecimals(sum / Double(count)))"
    }
    return "terms: " + parts.joined(separator: ", ")
  }
}
