/// What the numbers of a random stream are.
enum StreamMeaning: Hashable, CustomStringConvertible {
  case normal
  case keep(rate: Double)

  var description: String {
    switch self {
    case .normal: "normal numbers"
    case .keep(let rate): "dropout with rate \(rate)"
    }
  }
}

extension Verifier {
  static func checkStreams(_ graph: Graph) throws(Diagnostic) {
    var meanings: [Int: StreamMeaning] = [:]
    try forEachNode(of: graph) { _, node throws(Mismatch) in
      for (stream, meaning) in node.op.streamUses {
        let known = meanings[stream] ?? meaning
        meanings[stream] = known
        if known != meaning {
          throw Mismatch("random stream \(stream) is used for \(known) and for \(meaning)")
        }
      }
    }
  }
}

extension Op {
  /// The random streams that the op draws from, and as what.
  var streamUses: [(stream: Int, meaning: StreamMeaning)] {
    switch self {
    case .pointwise(let op): op.expression.streamUses
    case .attention(let op): op.rate == 0 ? [] : [(op.stream, .keep(rate: op.rate))]
    case .attentionGradient(let op): op.rate == 0 ? [] : [(op.stream, .keep(rate: op.rate))]
    case .input, .parameter, .sum, .embedding, .linear, .matmul, .transpose, .layerNorm, .softmax,
      .splitHeads, .mergeHeads, .causalMask, .top, .route, .dispatch, .combine, .crossEntropy,
      .embeddingGradient, .linearInputGradient, .linearWeightGradient, .layerNormGradient,
      .softmaxGradient, .topGradient, .dispatchGradient, .combineGradient, .crossEntropyGradient:
      []
    }
  }
}

extension ScalarExpression {
  fileprivate var streamUses: [(stream: Int, meaning: StreamMeaning)] {
    var uses: [(stream: Int, meaning: StreamMeaning)] = []
    visit {
      switch $0 {
      case .normal(let stream): uses.append((stream, .normal))
      case .keep(let stream, let rate): uses.append((stream, .keep(rate: rate)))
      case .input, .constant, .unary, .binary: break
      }
    }
    return uses
  }
}
