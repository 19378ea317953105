import CKernels
import GraphIR
import Lowering
import Planning

extension KernelFile {
  /// Every kernel file, those that others include first.
  static let all: [KernelFile] = {
    let files = (0..<ckernels_count()).map { GeneratedFile(ckernels_file($0)) }
    let bodies = Dictionary(
      uniqueKeysWithValues: files.filter { $0.path.hasSuffix(".c") }.map { ($0.name, $0) })
    return files.filter { $0.path.hasSuffix(".h") }.map {
      KernelFile(name: $0.name, header: $0, body: bodies[$0.name])
    }
  }()

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
    return needed(by: Array(Set(calls.compactMap(\.kernelFile)))).compactMap(\.body?.path)
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

extension GeneratedFile {
  /// A file that the compiler carries.
  fileprivate init(_ carried: carried_file) {
    self.init(path: String(cString: carried.path), text: String(cString: carried.text))
  }

  /// The file's name without its folder and its ending.
  fileprivate var name: String {
    String(path.split(separator: "/").last?.split(separator: ".").first ?? "")
  }
}
