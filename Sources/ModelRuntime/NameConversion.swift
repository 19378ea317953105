/// Tensors of one file under the names and in the shapes of another program.
public struct NameConversion {
  /// Which way.
  public enum Direction: Equatable, Sendable {
    case toTheirs, toOurs
  }

  public let direction: Direction
  public private(set) var outputs: [Safetensors.Output] = []
  /// Tensors that are left out: moments and step counts, and what the names say to ignore.
  public private(set) var leftOut: [String] = []

  private let map: NameMap
  private let file: Safetensors
  private let counts: [String: Int]
  private var problems: [String] = []
  /// Numbers seen for each variable.
  private var seen: [String: Set<Int>] = [:]

  /// Prepares the conversion of a file; its direction is that of the names that it has. `counts`
  /// says how many pieces tensors are cut into, over what the map says.
  ///
  /// Errors: a tensor without a line or with several, a line without its tensors, shapes that cannot
  /// be joined or cut; all of them at once.
  public init(
    _ file: Safetensors, _ map: NameMap, counts: [String: Int] = [:], buffers: Bool = false
  ) throws(NameMapError) {
    self.map = map
    self.file = file
    self.counts = counts
    let names = file.tensors.map(\.name)
    let ours = names.count { name in map.rules.contains { $0.ours.numbers(in: name) != nil } }
    let theirs = names.count { name in map.rules.contains { $0.theirs.numbers(in: name) != nil } }
    guard ours != theirs else { throw .noMatch(path: file.path) }
    direction = ours > theirs ? .toTheirs : .toOurs
    convert()
    if buffers, direction == .toTheirs { addTriangles() }
    if !problems.isEmpty { throw .unfit(path: file.path, problems) }
  }

  private struct Match {
    var tensor: Safetensors.Tensor
    var numbers: [String: Int]
  }

  private mutating func convert() {
    var matches = [[Match]](repeating: [], count: map.rules.count)
    for tensor in file.tensors where !isLeftOut(tensor.name) {
      let found = map.rules.indices.compactMap { index -> (Int, [String: Int])? in
        let rule = map.rules[index]
        let pattern = direction == .toTheirs ? rule.ours : rule.theirs
        return pattern.numbers(in: tensor.name).map { (index, $0) }
      }
      guard found.count == 1, let (index, numbers) = found.first else {
        let which = found.isEmpty ? "no line is for it" : "\(found.count) lines are for it"
        problems.append("\(tensor.name): \(which)")
        continue
      }
      if tensor.type != .f32 {
        problems.append("\(tensor.name) is \(tensor.type.rawValue), not F32")
        continue
      }
      for (variable, number) in numbers { seen[variable, default: []].insert(number) }
      matches[index].append(Match(tensor: tensor, numbers: numbers))
    }
    for (rule, matches) in zip(map.rules, matches) { convert(rule, matches) }
  }

  private mutating func isLeftOut(_ name: String) -> Bool {
    let isExtra = direction == .toOurs && map.extras.contains { $0.name.numbers(in: name) != nil }
    let isMoment =
      direction == .toTheirs
      && Checkpoint.prefixes.dropFirst().contains { name.hasPrefix($0.prefix) }
    if isExtra || isMoment { leftOut.append(name) }
    return isExtra || isMoment
  }

  /// Every combination of numbers that the file has anywhere must be here too.
  private mutating func convert(_ rule: NameMap.Rule, _ matches: [Match]) {
    if matches.isEmpty, rule.isOptional { return }
    let pattern = direction == .toTheirs ? rule.ours : rule.theirs
    let known = Set(matches.map(\.tensor.name))
    let wanted = combinations(pattern.variables.sorted()).map(pattern.name)
    let missing = wanted.filter { !known.contains($0) }
    if !missing.isEmpty {
      problems.append("missing: \(NameList(missing))")
      return
    }
    switch direction {
    case .toTheirs: for match in matches { cut(match, rule) }
    case .toOurs: join(matches, rule)
    }
  }

  private func combinations(_ variables: [String]) -> [[String: Int]] {
    variables.reduce([[:]]) { partial, variable in
      partial.flatMap { numbers in
        (seen[variable] ?? [0]).sorted().map { numbers.merging([variable: $0]) { $1 } }
      }
    }
  }
}

// MARK: - Tensors

extension NameConversion {
  /// One of ours as one or more of theirs.
  private mutating func cut(_ match: Match, _ rule: NameMap.Rule) {
    let tensor = match.tensor
    guard let joined = rule.joined else {
      let shape = transposed(tensor.shape, rule)
      add(rule.theirs.name(match.numbers), shape, rule) { [file] in try file.numbers(tensor) }
      return
    }
    let pieces = rule.stacks ? tensor.shape.first : count(of: joined)
    guard let pieces, pieces > 0, let first = tensor.shape.first, first % pieces == 0 else {
      problems.append(
        "\(tensor.name) \(tensor.shape) cannot be cut into \(pieces.map(String.init) ?? "pieces:")"
          + (pieces == nil ? " give their number with --set \(joined)=N" : ""))
      return
    }
    if !rule.stacks { seen[joined, default: []].formUnion(0..<pieces) }
    let rest = Array(tensor.shape.dropFirst())
    let shape = rule.stacks ? rest : [first / pieces] + rest
    let size = tensor.shape.reduce(1, *) / pieces
    for piece in 0..<pieces {
      let name = rule.theirs.name(match.numbers.merging([joined: piece]) { $1 })
      add(name, transposed(shape, rule), rule) { [file] in
        Array(try file.numbers(tensor)[piece * size..<(piece + 1) * size])
      }
    }
  }

  /// Those of theirs that differ only in the joined number as one of ours.
  private mutating func join(_ matches: [Match], _ rule: NameMap.Rule) {
    let groups = Dictionary(grouping: matches) { rule.ours.name($0.numbers) }
    for (name, group) in groups {
      let sorted = group.sorted {
        ($0.numbers[rule.joined ?? ""] ?? 0) < ($1.numbers[rule.joined ?? ""] ?? 0)
      }.map(\.tensor)
      let numbers = group.compactMap { $0.numbers[rule.joined ?? ""] }
      guard rule.joined == nil || Set(numbers) == Set(0..<group.count),
        sorted.allSatisfy({ $0.shape == sorted[0].shape })
      else {
        problems.append("\(name): its pieces do not count from 0 or differ in shape")
        continue
      }
      var shape = transposed(sorted[0].shape, rule)
      if rule.stacks { shape.insert(group.count, at: 0) }
      if rule.joined != nil, !rule.stacks {
        guard !shape.isEmpty else {
          problems.append("\(name): single numbers cannot be concatenated")
          continue
        }
        shape[0] *= group.count
      }
      let part = sorted[0].shape
      let transposes = rule.transposes
      outputs.append(
        .init(name: name, shape: shape) { [file] in
          try sorted.flatMap { tensor in
            let numbers = try file.numbers(tensor)
            return transposes ? transpose(numbers, part) : numbers
          }
        })
    }
  }

  private func transposed(_ shape: [Int], _ rule: NameMap.Rule) -> [Int] {
    guard rule.transposes, shape.count >= 2 else { return shape }
    return shape.dropLast(2) + [shape[shape.count - 1], shape[shape.count - 2]]
  }

  private mutating func add(
    _ name: String, _ shape: [Int], _ rule: NameMap.Rule, numbers: @escaping () throws -> [Float]
  ) {
    let transposes = rule.transposes
    // The shape before transposing is the transposed one of the shape after it.
    let before = transposed(shape, rule)
    outputs.append(
      .init(name: name, shape: shape) {
        transposes ? transpose(try numbers(), before) : try numbers()
      })
  }

  private func count(of variable: String) -> Int? {
    if let count = counts[variable] { return count }
    switch map.counts[variable] {
    case .number(let number): return number
    case .axis(let axis): return CheckpointNotes.axes(file.metadata["axes"] ?? "")[axis]
    case nil: return nil
    }
  }

  private mutating func addTriangles() {
    for extra in map.extras {
      guard let name = extra.size,
        let size = file.tensors.first(where: { $0.name == name })?.shape.first
      else { continue }
      let numbers = (0..<size * size).map { Float($0 % size <= $0 / size ? 1 : 0) }
      for combination in combinations(extra.name.variables.sorted()) {
        outputs.append(
          .init(name: extra.name.name(combination), shape: [size, size]) { numbers })
      }
    }
  }
}

/// Swaps the last two axes of a tensor.
private func transpose(_ numbers: [Float], _ shape: [Int]) -> [Float] {
  guard shape.count >= 2 else { return numbers }
  let (rows, columns) = (shape[shape.count - 2], shape[shape.count - 1])
  let size = rows * columns
  guard size > 0 else { return numbers }
  return numbers.indices.map { index in
    let (matrix, place) = (index / size, index % size)
    return numbers[matrix * size + place % rows * columns + place / rows]
  }
}
