import SystemFiles

extension FileKind {
  /// Weights that can be converted again: not those that training can go on from.
  public static let weights = FileKind("a file of weights alone") { _, path in
    guard let file = try? Safetensors(path: path) else { return false }
    return !file.tensors.contains { $0.name.hasPrefix("adam_") }
  }
}
