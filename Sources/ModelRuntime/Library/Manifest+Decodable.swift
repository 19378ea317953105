import Foundation
import SystemFiles

extension Manifest: Decodable {
  enum CodingKeys: String, CodingKey {
    case abi, name, axes, parameters, defaults, vocabulary, context, batch, memory
    case work = "flops"
    case compiler, source
    case activeParameters = "active_parameters"
    case accumulates, routers, terms, settings
    case infers = "inference"
    case takesDocuments = "documents"
    case vocabularyLine = "vocabulary_line"
    case expertRanks = "expert_ranks"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    abi = try values.decode(Int.self, forKey: .abi)
    name = try values.decode(String.self, forKey: .name)
    axes = try values.decodeIfPresent([String: Int].self, forKey: .axes) ?? [:]
    parameters = try values.decode([Parameter].self, forKey: .parameters)
    defaults = try values.decode(Defaults.self, forKey: .defaults)
    vocabulary = try values.decode(Int.self, forKey: .vocabulary)
    context = try values.decode(Int.self, forKey: .context)
    batch = try values.decode(Int.self, forKey: .batch)
    memory = try values.decodeIfPresent(Memory.self, forKey: .memory) ?? Memory()
    work = try values.decodeIfPresent(Work.self, forKey: .work) ?? Work()
    activeParameters = try? values.decode(Int.self, forKey: .activeParameters)
    accumulates = try? values.decode(Bool.self, forKey: .accumulates)
    expertRanks = try values.decodeIfPresent(Int.self, forKey: .expertRanks) ?? 1
    infers = (try? values.decode(Bool.self, forKey: .infers)) ?? false
    takesDocuments = (try? values.decode(Bool.self, forKey: .takesDocuments)) ?? false
    routers = try values.decodeIfPresent([Router].self, forKey: .routers) ?? []
    terms = try values.decodeIfPresent([Term].self, forKey: .terms) ?? []
    settings = try values.decodeIfPresent([Setting].self, forKey: .settings) ?? []
    // These are only shown, so one in another form is no reason to refuse a library.
    compiler = try? values.decode(String.self, forKey: .compiler)
    source = try? values.decode(String.self, forKey: .source)
    vocabularyLine = try? values.decode(String.self, forKey: .vocabularyLine)
  }

  /// Decodes and checks a manifest. Errors: what is wrong, as one phrase.
  public static func decode(_ json: String) throws(ManifestError) -> Manifest {
    guard MarkRuns.excessive(in: json.utf8) == nil else {
      throw ManifestError(reason: "a character of it has too many marks")
    }
    let manifest: Manifest
    do {
      manifest = try JSONDecoder().decode(Manifest.self, from: Data(json.utf8))
    } catch {
      throw ManifestError(reason: ManifestError.explain(error))
    }
    if let reason = manifest.contradiction { throw ManifestError(reason: reason) }
    return manifest
  }

  /// The first thing that cannot be so; everything allocated later relies on there being none.
  private var contradiction: String? {
    for (name, size) in [("vocabulary", vocabulary), ("context", context), ("batch", batch)]
    where size < 1 || size > Int(Int32.max) {
      return "\(name) is \(size)"
    }
    if batch.multipliedReportingOverflow(by: context).overflow { return "batch is too large" }
    if parameters.isEmpty { return "there are no parameters" }
    if expertRanks < 1 || expertRanks > 1 << 16 {
      return "\(expertRanks) ranks share out its experts"
    }
    var names = Set<String>()
    for parameter in parameters {
      if !names.insert(parameter.name).inserted { return "\(parameter.name) is there twice" }
      if let reason = parameter.contradiction { return "\(parameter.name): \(reason)" }
    }
    if let reason = sumContradiction { return reason }
    var known = Set<String>()
    for term in terms where !known.insert(term.name).inserted {
      return "the term \(term.name) is there twice"
    }
    for router in routers {
      if let reason = router.contradiction { return "\(router.name): \(reason)" }
    }
    return nil
  }

  /// Each size fits; their sum must too.
  private var sumContradiction: String? {
    var sum = 0
    for parameter in parameters {
      let next = sum.addingReportingOverflow(parameter.count)
      if next.overflow { return "its parameters are too large together" }
      sum = next.partialValue
    }
    return nil
  }
}

extension Manifest.Setting: Decodable {
  enum CodingKeys: String, CodingKey { case name, value }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    name = try values.decode(String.self, forKey: .name)
    if let whole = try? values.decode(Int.self, forKey: .value) {
      value = "\(whole)"
    } else if let number = try? values.decode(Double.self, forKey: .value) {
      value = "\(number)"
    } else {
      value = try values.decode(String.self, forKey: .value)
    }
  }
}

extension Manifest.Router {
  var contradiction: String? {
    if experts < 1 || experts > 1 << 16 { return "it has \(experts) experts" }
    if choices < 1 || choices > experts { return "it chooses \(choices) of \(experts) experts" }
    return nil
  }
}

extension Manifest.Parameter: Decodable {
  enum CodingKeys: String, CodingKey {
    case name, shape, axes
    case initializer = "init"
    case decays = "decay"
    case steps, role, update, gradient, frozen, adapts, part, scale
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    name = try values.decode(String.self, forKey: .name)
    shape = try values.decode([Int].self, forKey: .shape)
    axes = try values.decodeIfPresent([String].self, forKey: .axes) ?? []
    initializer = (try? values.decode(String.self, forKey: .initializer)) ?? ""
    decays = try values.decodeIfPresent(Bool.self, forKey: .decays) ?? true
    steps = try values.decodeIfPresent(Int.self, forKey: .steps) ?? 1
    role = try? values.decode(String.self, forKey: .role)
    isState = try values.decodeIfPresent(Update.self, forKey: .update) == .state
    if let weight = try values.decodeIfPresent(String.self, forKey: .adapts) {
      adapter = Adapter(
        weight: weight, isFirst: try values.decode(String.self, forKey: .part) == "a",
        scale: try values.decode(Double.self, forKey: .scale))
    }
    isFrozen = (try? values.decode(Bool.self, forKey: .frozen)) ?? false
    hasGradient = try !isState && values.decodeIfPresent(Bool.self, forKey: .gradient) ?? true
  }

  /// What updates it, if not the optimizer. Another word than those that are known is refused: how to
  /// train such a parameter, and what to save of it, is not known.
  private enum Update: String, Decodable {
    case state
  }

  var contradiction: String? {
    if shape.contains(where: { $0 < 1 }) { return "its shape is \(shape)" }
    if steps < 1 || steps > 1 << 20 { return "it has \(steps) step counts" }
    var count = 4
    for size in shape {
      let product = count.multipliedReportingOverflow(by: size)
      if product.overflow { return "its shape \(shape) is too large" }
      count = product.partialValue
    }
    return nil
  }
}

extension Manifest.Memory: Decodable {
  public init(from decoder: any Decoder) throws {
    let bytes = try decoder.singleValueContainer().decode([String: Int].self)
    self.init(
      parameters: bytes["parameters"] ?? 0, optimizer: bytes["optimizer"] ?? 0,
      saved: bytes["saved"] ?? 0, scratch: bytes["scratch"] ?? 0, total: bytes["total"] ?? 0,
      sum: bytes["sum"] ?? 0)
  }
}

extension Manifest.Work: Decodable {
  public init(from decoder: any Decoder) throws {
    let counts = try decoder.singleValueContainer().decode([String: Double].self)
    self.init(forward: counts["forward"] ?? 0, step: counts["step"] ?? 0)
  }
}

/// Why a manifest cannot be used.
public struct ManifestError: Error, Equatable, Sendable {
  public let reason: String

  static func explain(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "it is not JSON" }
    switch error {
    case .keyNotFound(let key, let context):
      return "\(place(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(place(context.codingPath)) is of another type"
    case .dataCorrupted(let context):
      return context.codingPath.isEmpty
        ? "it is not JSON" : "\(place(context.codingPath)) cannot be read"
    @unknown default:
      return "it cannot be read"
    }
  }

  private static func place(_ path: [any CodingKey]) -> String {
    path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
  }
}
