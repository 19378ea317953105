import GraphIR
import Lowering
import Planning

extension KernelFile {
  /// Every kernel file, those that others include first.
  static let all: [KernelFile] = [
    base, adamW, threads, vector, panels, shares, product, finish, expertLinear,
    expertLinearWeightGradient,
    linear, matmul,
    scalarMath, vectorMath, random, rows, sum, layerNorm, softmax, heads, transpose, fit,
    causalMask,
    attentionTile, attention, attentionGradient, embedding, top, route, dispatch, combine,
    crossEntropy,
  ]

  /// The files of the given names and all that they include, in the order of `all`.
  static func needed(by names: [String]) -> [KernelFile] {
    var wanted: Set<String> = ["adamw", "panels", "random", "threads"]
    var open = names + wanted
    while let name = open.popLast() {
      wanted.insert(name)
      open += (all.first { $0.name == name }?.needs ?? []).filter { !wanted.contains($0) }
    }
    return all.filter { wanted.contains($0.name) }
  }

  /// The paths of the sources that a plan's kernels are compiled from.
  static func sources(of plan: Plan) -> [String] {
    let calls = plan.layers.flatMap { $0.forward + $0.backward }
    return needed(by: Array(Set(calls.compactMap(\.kernelFile)))).filter { $0.body != nil }
      .map(\.bodyPath)
  }

  /// The files as they lie beside the layers.
  var generated: [GeneratedFile] { [header] + (body.map { [generated($0)] } ?? []) }

  private var bodyPath: String { "kernels/\(name).c" }

  private var header: GeneratedFile {
    let guardName = "KERNEL_\(name.uppercased())_H"
    let lines =
      ["// \(name).h: \(Self.mark)", "#ifndef \(guardName)", "#define \(guardName)", ""]
      + Self.lines(including: includes) + [source, "", "#endif", ""]
    return GeneratedFile(path: "kernels/\(name).h", text: lines.joined(separator: "\n"))
  }

  private func generated(_ body: Body) -> GeneratedFile {
    let lines =
      ["// \(name).c: \(Self.mark)", ""]
      + Self.lines(including: [name] + body.includes) + [body.source, ""]
    return GeneratedFile(path: bodyPath, text: lines.joined(separator: "\n"))
  }

  private static let mark = "a kernel of moec's, the same for every model."

  private static func lines(including names: [String]) -> [String] {
    names.map { "#include \"\($0).h\"" } + (names.isEmpty ? [] : [""])
  }
}

extension Call {
  /// The name of the kernel file that holds the called function; nil for code of the layer's own.
  var kernelFile: String? {
    switch action {
    case .pack, .unpack: "panels"
    case .copy: nil
    case .fit: "fit"
    case .op(let op): op.kind.kernel(routed: operands.contains { $0.type.experts != nil })
    }
  }
}

extension OpKind {
  fileprivate func kernel(routed: Bool) -> String? {
    switch self {
    case .input, .parameter, .pointwise: nil
    case .sum: "sum"
    case .embedding, .embeddingGradient: "embedding"
    case .linear, .linearInputGradient: routed ? "expert_linear" : "linear"
    case .linearWeightGradient: routed ? "expert_linear_weight_gradient" : "linear"
    case .matmul: "matmul"
    case .transpose: "transpose"
    case .layerNorm, .layerNormGradient: "layer_norm"
    case .softmax, .softmaxGradient: "softmax"
    case .splitHeads, .mergeHeads: "heads"
    case .causalMask: "causal_mask"
    case .attention: "attention"
    case .attentionGradient: "attention_gradient"
    case .top, .topGradient: "top"
    case .route: "route"
    case .dispatch, .dispatchGradient: "dispatch"
    case .combine, .combineGradient: "combine"
    case .crossEntropy, .crossEntropyGradient: "cross_entropy"
    }
  }
}
