import Exchange
import GraphIR

/// What each parameter of a mixture is made of.
enum Making: Equatable {
  case copy(of: String)
  /// A part for each expert of a mixture, by its number.
  case experts(of: String, Int)
  /// An expert for all tokens beside a mixture.
  case shared(of: String, Int)
  case router(Int)
  case zeros
}

/// Pairs a mixture's parameters with a dense model's tensors, layer by layer.
struct Matching {
  private let forward: ForwardGraph
  private let mixtures: [Mixture]
  private let dense: [String: [Int]]
  /// Dense tensors that no parameter of the same name and shape takes.
  private var free: Set<String>
  private(set) var makings: [String: Making] = [:]
  private(set) var problems: [String] = []

  init(_ forward: ForwardGraph, _ mixtures: [Mixture], dense: [String: [Int]]) {
    (self.forward, self.mixtures, self.dense) = (forward, mixtures, dense)
    free = Set(dense.keys)
    let parameters = forward.graph.parameters.map(\.parameter)
    let stacked = parameters.filter { mixture(of: $0, \.stacked) != nil }
    let others = parameters.filter { mixture(of: $0, \.stacked) == nil }
    for parameter in others { takeAlike(parameter) }
    for parameter in stacked { takeStacked(parameter) }
    for parameter in others where makings[parameter.name] == nil { takeRest(parameter) }
    for parameter in stacked where makings[parameter.name] == nil { takeRenamed(parameter) }
    finish(parameters)
  }

  private func mixture(of parameter: Parameter, _ names: KeyPath<Mixture, Set<String>>) -> Int? {
    mixtures.firstIndex { $0[keyPath: names].contains(parameter.name) }
  }

  // MARK: - By name

  private mutating func takeAlike(_ parameter: Parameter) {
    if let index = mixture(of: parameter, \.router) {
      makings[parameter.name] = .router(index)
    } else if dense[parameter.name] == parameter.shape {
      makings[parameter.name] = .copy(of: parameter.name)
      free.remove(parameter.name)
    }
  }

  /// Dense tensors of the parameter's layer that it may be cut out of.
  private func candidates(_ parameter: Parameter, _ part: [Int]) -> [String] {
    let layer = Self.layer(parameter.name)
    return free.filter { name in
      Self.layer(name) == layer && dense[name].map { Cut(part, outOf: $0) != nil } == true
    }.sorted()
  }

  private mutating func takeStacked(_ parameter: Parameter) {
    if dense[parameter.name] == parameter.shape {
      return problems.append("\(parameter.name) has experts there already")
    }
    let found = candidates(parameter, Array(parameter.shape.dropFirst())).filter {
      Self.end($0) == Self.end(parameter.name)
    }
    take(parameter, found)
  }

  /// Where ends of names differ, shapes may still leave one choice.
  private mutating func takeRenamed(_ parameter: Parameter) {
    guard let index = mixture(of: parameter, \.stacked) else { return }
    let found = candidates(parameter, Array(parameter.shape.dropFirst())).filter { name in
      !makings.values.contains(.experts(of: name, index))
        && Self.last(name) == Self.last(parameter.name)
    }
    // What nothing has taken comes before what an expert of all tokens has.
    let untaken = found.filter { !makings.values.contains(.copy(of: $0)) }
    take(parameter, untaken.isEmpty ? found : untaken)
  }

  private mutating func take(_ parameter: Parameter, _ found: [String]) {
    guard let index = mixture(of: parameter, \.stacked) else { return }
    if found.count == 1 { makings[parameter.name] = .experts(of: found[0], index) }
    if found.count > 1 {
      problems.append("\(parameter.name) may be \(found.joined(separator: " or "))")
    }
  }

  // MARK: - What is left

  /// An expert for all tokens, a norm in another scope, or what begins at 0.
  private mutating func takeRest(_ parameter: Parameter) {
    let found = candidates(parameter, parameter.shape).filter {
      Self.end($0) == Self.end(parameter.name)
    }
    if found.count == 1 {
      let users = makings.values.compactMap {
        if case .experts(of: found[0], let index) = $0 { index } else { nil }
      }
      if let index = users.first {
        makings[parameter.name] = .shared(of: found[0], index)
      } else if dense[found[0]] == parameter.shape {
        makings[parameter.name] = .copy(of: found[0])
      }
    } else if beginsAtZero(parameter) {
      makings[parameter.name] = .zeros
    }
  }

  /// A state, or what a single number is made by: how much the expert of all tokens counts.
  private func beginsAtZero(_ parameter: Parameter) -> Bool {
    if parameter.isState { return parameter.initializer == .zeros }
    let layer = Self.layer(parameter.name)
    let isBesideExperts = mixtures.contains { Self.layer($0.scope + ".") == layer }
    guard isBesideExperts, parameter.shape.first == 1,
      let node = forward.graph.parameters.first(where: { $0.parameter.name == parameter.name })
    else { return false }
    return forward.indices(ofUsersOf: Value(node: node.node)).allSatisfy {
      if case .linear = forward.graph.nodes[$0].op { true } else { false }
    }
  }

  private mutating func finish(_ parameters: [Parameter]) {
    for (name, making) in makings {
      guard case .copy(let source) = making, source != name,
        let index = mixtures.indices.first(where: {
          makings.values.contains(.experts(of: source, $0))
        })
      else { continue }
      makings[name] = .shared(of: source, index)
    }
    var lacking: [String] = []
    for parameter in parameters where makings[parameter.name] == nil {
      if let shape = dense[parameter.name] {
        problems.append("\(parameter.name) is \(shape), and there \(parameter.shape)")
      } else if let other = free.sorted().first(where: {
        Self.layer($0) == Self.layer(parameter.name) && Self.end($0) == Self.end(parameter.name)
      }) {
        problems.append(
          "\(parameter.name) \(parameter.shape) cannot be cut out of \(other) \(dense[other] ?? [])"
        )
      } else if !problems.contains(where: { $0.hasPrefix(parameter.name + " ") }) {
        lacking.append(parameter.name)
      }
    }
    var used: Set<String> = []
    for making in makings.values {
      switch making {
      case .copy(let name), .experts(let name, _), .shared(let name, _): used.insert(name)
      case .router, .zeros: break
      }
    }
    let named = Set(parameters.map(\.name))
    let idle = free.subtracting(used).subtracting(named).sorted()
    if !lacking.isEmpty { problems.append("nothing is there for \(NameList(lacking))") }
    if !idle.isEmpty { problems.append("nothing takes \(NameList(idle))") }
  }

  // MARK: - Names

  /// The name up to its first number: `block.3.`; empty without one.
  static func layer(_ name: String) -> String {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard let place = parts.firstIndex(where: { Int($0) != nil }) else { return "" }
    return parts[...place].joined(separator: ".") + "."
  }

  /// Its last two parts: `up.weight`.
  static func end(_ name: String) -> String {
    name.split(separator: ".").suffix(2).joined(separator: ".")
  }

  private static func last(_ name: String) -> Substring? { name.split(separator: ".").last }
}

extension Parameter {
  var shape: [Int] { axes.map(\.size) }
}
