import Exchange
import GraphIR

/// A dense model's tensors; the last one that was asked for stays in memory, as all experts are made of it.
final class DenseSource {
  private let tensors: [String: Safetensors.Output]
  private var last: (name: String, numbers: [Float]) = ("", [])

  init(_ tensors: [Safetensors.Output]) {
    self.tensors = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
  }

  subscript(name: String) -> Safetensors.Output? { tensors[name] }

  func numbers(_ name: String) throws -> [Float] {
    if last.name != name { last = (name, try tensors[name]?.numbers() ?? []) }
    return last.numbers
  }
}

/// Makes one of a mixture's tensors.
struct TensorMaker {
  let parameter: Parameter
  let source: DenseSource
  let mixtures: [Mixture]
  let divisions: [Division]
  let matching: Matching
  let options: Upcycling.Options

  var output: Safetensors.Output {
    Safetensors.Output(name: parameter.name, shape: parameter.shape, parts: parts)
  }

  private var parts: [() throws -> [Float]] {
    switch matching.makings[parameter.name] {
    case .copy(let name): return source[name]?.parts ?? []
    case .experts(let name, let index): return experts(name, index)
    case .shared(let name, let index):
      let division = divisions[index]
      let scale = isLast(name, index) ? division.sharedScale : 1
      return [{ try part(name, 0..<division.shared, division.slices, scale) }]
    case .router(let index): return router(index)
    case .zeros, nil:
      let count = parameter.shape.reduce(1, *)
      return [{ [Float](repeating: 0, count: count) }]
    }
  }

  private func experts(_ name: String, _ index: Int) -> [() throws -> [Float]] {
    let (mixture, division) = (mixtures[index], divisions[index])
    var scale = 1.0
    if parameter.name == mixture.lastWeight { scale = division.scale }
    if parameter.name == mixture.lastBias { scale = division.biasScale }
    return (0..<mixture.experts).map { expert in
      {
        let slice = division.slice(expert)
        let numbers = try part(name, slice..<slice + 1, division.slices, scale)
        return noisy(numbers, expert)
      }
    }
  }

  /// Whether a dense tensor is the last matrix or bias of what experts are made of.
  private func isLast(_ name: String, _ index: Int) -> Bool {
    let lasts = [mixtures[index].lastWeight, mixtures[index].lastBias].compactMap { $0 }
    return lasts.contains { last in
      if case .experts(name, _) = matching.makings[last] { true } else { false }
    }
  }

  /// Some of the slices of a dense tensor, or all of one that is not cut, times a scale.
  private func part(
    _ name: String, _ slices: Range<Int>, _ count: Int, _ scale: Double
  ) throws -> [Float] {
    var numbers = try source.numbers(name)
    let whole = source[name]?.shape ?? []
    let shape = parameter.shape.suffix(whole.count)
    if let axis = zip(shape, whole).enumerated().first(where: { $1.0 != $1.1 })?.offset {
      let width = whole[axis] / count
      let range = slices.lowerBound * width..<slices.upperBound * width
      numbers = Cut.take(range, along: axis, of: numbers, whole)
    }
    return scale == 1 ? numbers : numbers.map { $0 * Float(scale) }
  }

  /// Noise on an expert's matrix; biases and norms have none.
  private func noisy(_ numbers: [Float], _ expert: Int) -> [Float] {
    guard options.noise > 0, parameter.shape.count > 2, !numbers.isEmpty else { return numbers }
    let squares = numbers.reduce(0.0) { $0 + Double($1) * Double($1) }
    let deviation = options.noise * (squares / Double(numbers.count)).squareRoot()
    var normal = NormalNumbers(seed: options.seed, parameter.name, part: expert)
    return zip(numbers, normal.take(numbers.count, deviation: deviation)).map { $0 + $1 }
  }

  /// A row for each copy, repeated for its slices; biases and states begin at 0.
  private func router(_ index: Int) -> [() throws -> [Float]] {
    let (shape, together) = (parameter.shape, divisions[index].together)
    guard shape.count > 1, !parameter.isState else {
      return [{ [Float](repeating: 0, count: shape.reduce(1, *)) }]
    }
    let width = shape.dropFirst().reduce(1, *)
    return (0..<shape[0] / together).map { copy in
      {
        var normal = NormalNumbers(seed: options.seed, parameter.name, part: copy)
        let row = normal.take(width, deviation: options.routerDeviation)
        return (0..<together).flatMap { _ in row }
      }
    }
  }
}
