import Exchange
import Foundation
import GraphIR

/// What PyTorch made of a small model; `Tests/Fixtures/README.md` says what a file holds.
public struct Fixture {
  public let name: String
  private let file: Safetensors

  public static let names = [
    "noisy", "capacity", "tight-capacity", "odd", "odd-wide", "all-experts", "one-expert",
    "starved", "starved-noisy", "head-scale",
  ]

  public init(_ name: String) throws {
    self.name = name
    let path = Moec.repository.appendingPathComponent("Tests/Fixtures/\(name).safetensors").path
    file = try Safetensors(path: path)
  }

  /// How many steps of training were recorded.
  public var steps: Int { size("steps") }

  /// Nil where the file has no such tensor.
  public func numbers(_ tensor: String) throws -> [Float]? {
    guard let tensor = file.tensors.first(where: { $0.name == tensor }) else { return nil }
    return try file.numbers(tensor)
  }

  /// The integers of a step's tokens, targets or expert rows.
  public func integers(_ tensor: String, step: Int) throws -> [Int32] {
    guard let tensor = file.tensors.first(where: { $0.name == tensor }) else { return [] }
    let bytes = try file.bytes(tensor, 0..<tensor.range.count)
    let all = bytes.withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
    let count = all.count / steps
    return Array(all[step * count..<(step + 1) * count])
  }

  /// The parameters' values before the first step.
  public func initial() throws -> [String: [Float]] {
    var values: [String: [Float]] = [:]
    for tensor in file.tensors where tensor.name.hasPrefix("initial/") {
      values[String(tensor.name.dropFirst("initial/".count))] = try file.numbers(tensor)
    }
    return values
  }

  /// Those of tensors with a prefix, without it.
  public func names(in prefix: String) -> [String] {
    file.tensors.map(\.name).filter { $0.hasPrefix(prefix) }.map {
      String($0.dropFirst(prefix.count))
    }
  }

  public func shape(_ tensor: String) -> [Int]? {
    file.tensors.first { $0.name == tensor }?.shape
  }

  public var learningRate: Float { Float(number("learning_rate") ?? 0) }

  /// The same model in our words.
  public var model: MakeMoE {
    MakeMoE(name) {
      $0.B = size("B")
      $0.T = size("T")
      $0.V = size("V")
      $0.C = size("C")
      $0.heads = size("heads")
      $0.depth = size("layers")
      $0.experts = size("E")
      $0.chosen = size("k")
      $0.isNoisy = file.metadata["router"] == "noisy"
      $0.capacity = number("capacity_factor")
      $0.dropout = number("dropout") ?? 0
      $0.attentionScale = number("attention_scale")
      $0.optimizer = optimizer
    }
  }

  var optimizer: GraphIR.Optimizer {
    .adamW(
      learningRate: number("learning_rate") ?? 0, beta1: number("beta1") ?? 0,
      beta2: number("beta2") ?? 0, epsilon: number("epsilon") ?? 0,
      weightDecay: number("weight_decay") ?? 0)
  }

  func text(_ key: String) -> String { file.metadata[key] ?? "" }
  func size(_ key: String) -> Int { file.metadata[key].flatMap { Int($0) } ?? 0 }
  func number(_ key: String) -> Double? { file.metadata[key].flatMap { Double($0) } }
}
