import Foundation
import GraphIR
import JSON

/// How rotary positions are scaled to a longer context, as `rope_parameters` or `rope_scaling` say it.
public enum Scaling: Equatable, Sendable {
  case linear(factor: Double)
  case llama3(factor: Double, low: Double, high: Double, context: Int)
  case yarn(
    factor: Double, fast: Double, slow: Double, context: Double, amplitude: Double, rounds: Bool)

  /// The argument of `rotary` in the DSL.
  var text: String {
    switch self {
    case .linear(let factor): return ".linear(factor: \(factor))"
    case .llama3(let factor, let low, let high, let context):
      return ".llama3(factor: \(factor), low: \(low), high: \(high), context: \(context))"
    case .yarn(let factor, let fast, let slow, let context, let amplitude, let rounds):
      return
        ".yarn(\n    factor: \(factor), fast: \(fast), slow: \(slow), context: \(Int(context)), "
        + "amplitude: \(amplitude),\n    rounds: \(rounds))"
    }
  }

  /// The keys of `rope_parameters`, beside the base.
  var members: [(key: String, value: JSON)] {
    func number(_ value: Double) -> JSON { .numeral("\(value)") }
    switch self {
    case .linear(let factor): return [("rope_type", .text("linear")), ("factor", number(factor))]
    case .llama3(let factor, let low, let high, let context):
      return [
        ("rope_type", .text("llama3")), ("factor", number(factor)),
        ("low_freq_factor", number(low)), ("high_freq_factor", number(high)),
        ("original_max_position_embeddings", .count(context)),
      ]
    case .yarn(let factor, let fast, let slow, let context, let amplitude, let rounds):
      return [
        ("rope_type", .text("yarn")), ("factor", number(factor)),
        ("attention_factor", number(amplitude)), ("beta_fast", number(fast)),
        ("beta_slow", number(slow)), ("truncate", .bool(rounds)),
        ("original_max_position_embeddings", .count(Int(context))),
      ]
    }
  }
}

extension Scaling {
  /// What a rotary op has. A ramp over pairs is YaRN's without rounding: which turns it was made of is worked out.
  init?(_ op: Rotary, depth: Int, context: Int) {
    guard let scaling = op.scaling else { return nil }
    if let context = scaling.context {
      self = .llama3(
        factor: scaling.factor, low: scaling.full, high: scaling.none, context: Int(context))
    } else if scaling.none == 0, scaling.full == 0, scaling.amplitude == 1 {
      self = .linear(factor: scaling.factor)
    } else {
      func turns(atPair pair: Double) -> Double {
        Double(context) / (2 * Double.pi) * pow(op.base, -2 * pair / Double(depth))
      }
      self = .yarn(
        factor: scaling.factor, fast: turns(atPair: scaling.none),
        slow: turns(atPair: scaling.full), context: Double(context), amplitude: scaling.amplitude,
        rounds: false)
    }
  }
}

extension ConfigReader {
  /// The base and the scaling of `rope_parameters`, or of `rope_scaling` before transformers 5.
  mutating func positions(
    usualBase: Double, longest: Int, usual: Scaling?
  ) -> (base: Double, scaling: Scaling?) {
    var base = positive("rope_theta", usual: usualBase)
    var scaling = usual
    for key in ["rope_scaling", "rope_parameters"] {
      guard let part = value(key) else { continue }
      guard part.members != nil else {
        refuse(key, part, "it must be an object")
        continue
      }
      base = Self.number(part["rope_theta"]) ?? base
      scaling = self.scaling(part, key, longest: longest)
    }
    return (base, scaling)
  }

  private mutating func scaling(_ part: JSON, _ key: String, longest: Int) -> Scaling? {
    var numbers = Numbers(part)
    let kind = (part["rope_type"] ?? part["type"])?.name ?? "default"
    let scaling: Scaling?
    switch kind {
    case "default": scaling = nil
    case "linear": scaling = .linear(factor: numbers.take("factor"))
    case "llama3":
      scaling = .llama3(
        factor: numbers.take("factor"), low: numbers.take("low_freq_factor"),
        high: numbers.take("high_freq_factor"),
        context: numbers.count("original_max_position_embeddings", usual: longest))
    case "yarn": scaling = numbers.yarn(longest: longest)
    case _:
      refuse("\(key) is of type \(kind), which moec has not")
      return nil
    }
    for name in numbers.missing { refuse("\(key).\(name) must be a number above 0") }
    for member in part.members ?? [] where !numbers.taken.contains(member.name) {
      let isWhole = member.name == "partial_rotary_factor" && Self.number(member.value) == 1
      if isWhole || member.value == .null { continue }
      refuse("\(key).\(member.name)", member.value, "moec has none of it")
    }
    return scaling
  }

  /// Numbers of one object, and which of its keys were asked for.
  private struct Numbers {
    let part: JSON
    var taken: Set<String> = ["rope_type", "type", "rope_theta"]
    var missing: [String] = []

    init(_ part: JSON) { self.part = part }

    mutating func take(_ key: String, usual: Double? = nil) -> Double {
      taken.insert(key)
      if part[key] == nil, let usual { return usual }
      if let number = ConfigReader.number(part[key]), number > 0 { return number }
      missing.append(key)
      return 1
    }

    mutating func count(_ key: String, usual: Int) -> Int {
      let number = take(key, usual: Double(usual))
      if number >= 1, number < 1e15, number == number.rounded() { return Int(number) }
      missing.append(key)
      return 1
    }

    mutating func yarn(longest: Int) -> Scaling {
      let factor = take("factor")
      let context = count("original_max_position_embeddings", usual: longest)
      taken.formUnion(["truncate", "mscale", "mscale_all_dim", "attention_factor"])
      func scale(_ weight: Double) -> Double { factor > 1 ? 0.1 * weight * log(factor) + 1 : 1 }
      var amplitude = scale(1)
      let weights = ["mscale", "mscale_all_dim"].map { ConfigReader.number(part[$0]) ?? 0 }
      if weights[0] != 0, weights[1] != 0 { amplitude = scale(weights[0]) / scale(weights[1]) }
      amplitude = ConfigReader.number(part["attention_factor"]) ?? amplitude
      return .yarn(
        factor: factor, fast: take("beta_fast", usual: 32), slow: take("beta_slow", usual: 1),
        context: Double(context), amplitude: amplitude, rounds: part["truncate"]?.bool ?? true)
    }
  }
}
