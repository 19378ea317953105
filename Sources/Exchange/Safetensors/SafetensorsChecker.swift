import JSON

/// Turns a parsed header into tensors and collects everything that is wrong with it.
struct SafetensorsChecker {
  /// How many bytes of data the file has.
  let available: Int
  private(set) var metadata: [String: String] = [:]
  private(set) var tensors: [Safetensors.Tensor] = []
  private(set) var problems: [SafetensorsProblem] = []
  private var names = Set<String>()

  init(available: Int) { self.available = available }

  mutating func check(_ header: [JSON.Member]) {
    for member in header {
      if member.name == "__metadata__" {
        checkMetadata(member.value)
      } else if let tensor = tensor(member.name, member.value) {
        tensors.append(tensor)
      }
    }
    tensors.sort { Self.place($0) < Self.place($1) }
    // A tensor that could not be read leaves a hole that says nothing new.
    if problems.isEmpty { checkCover() }
  }

  private static func place(_ tensor: Safetensors.Tensor) -> (Int, Int, String) {
    (tensor.range.lowerBound, tensor.range.upperBound, tensor.name)
  }

  private mutating func checkMetadata(_ value: JSON) {
    guard let members = value.members else { return problems.append(.badMetadata) }
    for member in members {
      guard let text = member.value.name else { return problems.append(.badMetadata) }
      metadata[member.name] = text
    }
  }

  private mutating func tensor(_ name: String, _ value: JSON) -> Safetensors.Tensor? {
    guard let members = value.members else { return bad(name, "it is not an object") }
    // Keys are told apart by their bytes, names also by how they look.
    guard names.insert(name).inserted else { return bad(name, "another name looks the same") }
    let known: Set<String> = ["dtype", "shape", "data_offsets"]
    if let odd = members.map(\.name).filter({ !known.contains($0) }).min() {
      return bad(name, "the field \(odd) is unknown")
    }
    guard let typeName = value["dtype"]?.name else { return bad(name, "it has no dtype") }
    guard let shape = counts(value["shape"]) else {
      return bad(name, "its shape is no list of sizes")
    }
    guard let ends = counts(value["data_offsets"]), ends.count == 2 else {
      return bad(name, "its data_offsets are not two counts")
    }
    guard ends[0] <= ends[1] else { return bad(name, "it ends before it begins") }
    return sized(name, typeName, shape, ends[0]..<ends[1])
  }

  private mutating func sized(
    _ name: String, _ typeName: String, _ shape: [Int], _ range: Range<Int>
  ) -> Safetensors.Tensor? {
    guard let type = Safetensors.DataType(rawValue: typeName) else {
      problems.append(.unknownType(name: name, type: typeName))
      return nil
    }
    guard let bytes = type.bytes(shape: shape) else {
      problems.append(.shapeTooLarge(name: name, shape: shape))
      return nil
    }
    if bytes != range.count {
      problems.append(.wrongSize(name: name, expected: bytes, found: range.count))
    }
    if range.upperBound > available {
      problems.append(.outOfRange(name: name, end: range.upperBound, available: available))
    }
    return Safetensors.Tensor(name: name, type: type, shape: shape, range: range)
  }

  /// Sorted tensors must follow each other without a gap and end where the file does.
  private mutating func checkCover() {
    var end = 0
    var last = ""
    for tensor in tensors where !tensor.range.isEmpty {
      if tensor.range.lowerBound < end { problems.append(.overlap(last, tensor.name)) }
      if tensor.range.lowerBound > end {
        problems.append(.hole(offset: end, bytes: tensor.range.lowerBound - end))
      }
      if tensor.range.upperBound > end { (end, last) = (tensor.range.upperBound, tensor.name) }
    }
    if end < available { problems.append(.hole(offset: end, bytes: available - end)) }
  }

  private mutating func bad(_ name: String, _ reason: String) -> Safetensors.Tensor? {
    problems.append(.badEntry(name: name, reason: reason))
    return nil
  }

  /// A list of counts that fit an `Int`; nil for anything else.
  private func counts(_ value: JSON?) -> [Int]? {
    guard let elements = value?.elements else { return nil }
    let counts = elements.compactMap(\.whole).filter { $0 >= 0 }
    return counts.count == elements.count ? counts : nil
  }
}
