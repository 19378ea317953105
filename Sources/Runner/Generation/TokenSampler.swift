import Foundation

/// Draws tokens from logits.
struct TokenSampler {
  var temperature: Double
  var topK: Int?
  var topP: Double?

  init(_ settings: GenerationSettings) {
    temperature = settings.temperature
    topK = settings.topK
    topP = settings.topP
  }

  /// The token at which the cumulated softmax of the logits passes `point`, in 0 ..< 1.
  ///
  /// Only the first `count` logits are drawn from; among equals the lower token is first. With a
  /// top-p, tokens are taken by falling probability until they hold that much of it together.
  func token(_ logits: some Collection<Float>, count: Int, at point: Double) throws -> Int {
    let used = logits.prefix(count).map(Double.init)
    guard !used.isEmpty, used.allSatisfy(\.isFinite) else { throw NotFiniteError("logits") }
    guard temperature > 0 else {
      return used.indices.dropFirst().reduce(0) { used[$1] > used[$0] ? $1 : $0 }
    }
    let candidates = likeliest(used)
    let highest = used[candidates[0]]
    let weights = nucleus(candidates.map { exp((used[$0] - highest) / temperature) })
    var rest = point * weights.reduce(0, +)
    for (candidate, weight) in zip(candidates, weights) {
      rest -= weight
      if rest < 0 { return candidate }
    }
    return candidates[0]
  }

  /// Tokens by falling logit, as many as may be drawn.
  private func likeliest(_ logits: [Double]) -> [Int] {
    if let topK, topK < logits.count { return best(topK, of: logits) }
    return logits.indices.sorted {
      logits[$0] == logits[$1] ? $0 < $1 : logits[$0] > logits[$1]
    }
  }

  /// The first so many of them: a large vocabulary is gone through once, and few of its tokens find a place.
  private func best(_ count: Int, of logits: [Double]) -> [Int] {
    var best: [Int] = []
    for token in logits.indices {
      if best.count == count, let last = best.last, logits[token] <= logits[last] { continue }
      // Among equals those before come first.
      var (low, high) = (0, best.count)
      while low < high {
        let middle = (low + high) / 2
        if logits[best[middle]] >= logits[token] { low = middle + 1 } else { high = middle }
      }
      best.insert(token, at: low)
      if best.count > count { best.removeLast() }
    }
    return best
  }

  /// The first weights, that together are at least top-p of all.
  private func nucleus(_ weights: [Double]) -> [Double] {
    guard let topP, topP < 1 else { return weights }
    let wanted = topP * weights.reduce(0, +)
    var sum = 0.0
    for (index, weight) in weights.enumerated() {
      sum += weight
      if sum >= wanted { return Array(weights[...index]) }
    }
    return weights
  }
}
