import ModelRuntime
import SystemFiles
import Words

/// Parameters that weight decay leaves alone: a kind of them, or those whose name fits a pattern.
public enum ParameterGroup: Equatable, Sendable {
  /// Weights and biases of layer norms.
  case norms
  /// Biases of linear layers, in stacks of experts too.
  case biases
  /// Token and position tables.
  case embeddings
  /// Names in which `*` stands for anything, or of scopes: `block.*.mixture.gate`.
  case named(pattern: String)

  /// `norms`, `biases`, `embeddings`, or a pattern of names.
  public init(_ text: String) {
    switch text {
    case "norms": self = .norms
    case "biases": self = .biases
    case "embeddings": self = .embeddings
    default: self = .named(pattern: text)
    }
  }

  /// The parameters of a model that belong to it.
  public func members(in manifest: Manifest) -> [Int] {
    let parameters = manifest.parameters
    return parameters.indices.filter { index in
      if parameters[index].isState { return false }
      switch self {
      case .norms: return manifest.role(of: parameters[index]) == "norm"
      case .biases: return manifest.role(of: parameters[index]) == "bias"
      case .embeddings: return manifest.role(of: parameters[index]) == "embedding"
      case .named(let pattern): return ParameterPattern(pattern).fits(parameters[index].name)
      }
    }
  }
}

/// A group without a single parameter: more likely a slip than a wish.
public struct EmptyGroupError: ExplainedError, Equatable {
  public let group: String

  public var message: String { "--no-decay \(group): the model has no such parameter" }

  public var hint: String {
    "give norms, biases, embeddings or names of parameters, in which * stands for anything"
  }
}

extension Manifest {
  /// What a parameter is: `norm`, `embedding`, `bias` or `weight`; as the library says, or else by
  /// its name, shape and initial values.
  func role(of parameter: Parameter) -> String {
    if let role = parameter.role { return role }
    let isBias = parameter.name.hasSuffix(".bias")
    let stem = parameter.name.split(separator: ".").dropLast().joined(separator: ".")
    let weight = parameters.first { $0.name == stem + ".weight" }
    if let weight, weight.shape.count == 1, weight.initializer == "ones" { return "norm" }
    if isBias { return "bias" }
    let isTable = parameter.shape.count == 2 && parameter.initializer.hasPrefix("normal(")
    let first = parameter.axes.first ?? ""
    return isTable && (first == "V" || first == "T") ? "embedding" : "weight"
  }
}
