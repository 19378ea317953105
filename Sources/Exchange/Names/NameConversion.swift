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
  /// Bytes that the outputs' names and places need in a header, about.
  private var headerBytes = 0
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
    checkOutputs()
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
      guard tensor.type.isReal else {
        problems.append("\(tensor.name) is \(tensor.type.rawValue), not F32")
        continue
      }
      guard !tensor.range.isEmpty else {
        problems.append("\(tensor.name) \(tensor.shape) has no numbers")
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
      && Checkpoint.trainingPrefixes.contains { name.hasPrefix($0) }
    if isExtra || isMoment { leftOut.append(name) }
    return isExtra || isMoment
  }

  /// Every combination of numbers that the file has anywhere must be here too.
  private mutating func convert(_ rule: NameMap.Rule, _ matches: [Match]) {
    if matches.isEmpty, rule.isOptional { return }
    let pattern = direction == .toTheirs ? rule.ours : rule.theirs
    let missing = missing(pattern, Set(matches.map(\.tensor.name)))
    if !missing.names.isEmpty {
      problems.append("missing: \(NameList(missing.names))\(missing.isCut ? " and more" : "")")
      return
    }
    switch direction {
    case .toTheirs: for match in matches { cut(match, rule) }
    case .toOurs: join(matches, rule)
    }
  }

  /// Names of a pattern that are not known; no more are looked for when there are enough to tell.
  private func missing(
    _ pattern: NamePattern, _ known: Set<String>
  ) -> (names: [String], isCut: Bool) {
    var names: [String] = []
    for numbers in combinations(pattern.variables.sorted()) {
      let name = pattern.name(numbers)
      if known.contains(name) { continue }
      if names.count == Self.mostMissing { return (names, true) }
      names.append(name)
    }
    return (names, false)
  }

  private static let mostMissing = 1000

  /// Every way to give the variables numbers that were seen, the last one varying fastest, one at
  /// a time: there may be far more than tensors.
  private func combinations(_ variables: [String]) -> some Sequence<[String: Int]> {
    let numbers = variables.map { (seen[$0] ?? [0]).sorted() }
    return sequence(state: [Int](repeating: 0, count: variables.count) as [Int]?) { places in
      guard let now = places else { return nil }
      places = NameConversion.next(now, numbers.map(\.count))
      return Dictionary(
        uniqueKeysWithValues: variables.indices.map { (variables[$0], numbers[$0][now[$0]]) })
    }
  }

  private static func next(_ places: [Int], _ counts: [Int]) -> [Int]? {
    var places = places
    for index in places.indices.reversed() {
      places[index] += 1
      if places[index] < counts[index] { return places }
      places[index] = 0
    }
    return nil
  }

  /// Two tensors of one name, or a header beyond the format's bound, would make a file that
  /// nobody can read.
  private mutating func checkOutputs() {
    var names = Set<String>()
    for output in outputs where !names.insert(output.name).inserted {
      problems.append("\(output.name) would be there twice")
    }
    if headerBytes > Safetensors.longestHeader {
      problems.append("there would be more tensors than a safetensors file can name")
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
      add(rule.theirs.name(match.numbers), shape, rule) { [file] in
        try file.numbers(tensor)
      }
      return
    }
    let pieces = rule.stacks ? tensor.shape.first : count(of: joined)
    guard let pieces, pieces > 0, let first = tensor.shape.first, first % pieces == 0 else {
      problems.append(
        "\(tensor.name) \(tensor.shape) cannot be cut into \(pieces.map(String.init) ?? "pieces:")"
          + (pieces == nil ? " give their number with --set \(joined)=N" : ""))
      return
    }
    guard headerBytes + pieces * Self.entryBytes <= Safetensors.longestHeader else {
      problems.append("\(tensor.name) \(tensor.shape) would be cut into too many tensors")
      return
    }
    if !rule.stacks { seen[joined, default: []].formUnion(0..<pieces) }
    let rest = Array(tensor.shape.dropFirst())
    let shape = rule.stacks ? rest : [first / pieces] + rest
    let size = tensor.shape.reduce(1, *) / pieces
    for piece in 0..<pieces {
      let name = rule.theirs.name(match.numbers.merging([joined: piece]) { $1 })
      add(name, transposed(shape, rule), rule) { [file] in
        try file.numbers(tensor, piece * size..<(piece + 1) * size)
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
      append(
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
    append(
      .init(name: name, shape: shape) {
        transposes ? transpose(try numbers(), before) : try numbers()
      })
  }

  /// What one tensor's entry in a header needs beside its name, at least.
  private static let entryBytes = 50

  private mutating func append(_ output: Safetensors.Output) {
    headerBytes += output.name.utf8.count + Self.entryBytes
    outputs.append(output)
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
    let sizes = Dictionary(
      file.tensors.map { ($0.name, $0.range.isEmpty ? nil : $0.shape.first) },
      uniquingKeysWith: { first, _ in first })
    var room = max(Self.mostTriangles, file.dataSize)
    for extra in map.extras {
      guard let name = extra.size, let size = sizes[name] ?? nil else { continue }
      let bytes = Safetensors.DataType.f32.bytes(shape: [size, size])
      for combination in combinations(extra.name.variables.sorted()) {
        guard let bytes, bytes <= room else {
          problems.append(
            "\(extra.name): masks of \(size) by \(size) would be more than all the weights; "
              + "leave out --buffers")
          return
        }
        room -= bytes
        append(
          .init(name: extra.name.name(combination), shape: [size, size]) {
            (0..<size * size).map { Float($0 % size <= $0 / size ? 1 : 0) }
          })
      }
    }
  }

  /// Bytes of triangles that any file may have made for it; a larger file, its own size.
  private static let mostTriangles = 1 << 28
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
