import SystemFiles

extension FileKind {
  /// What a run saves, whole or damaged: its header is JSON behind eight bytes that say how long it is.
  public static let safetensors = FileKind("a safetensors file") { start, _ in
    start.count > 8 && start[7] == 0 && start[8] == UInt8(ascii: "{")
  }

  /// What a run recorded of its routers.
  public static let routes = FileKind("a recording of routes") { start, _ in
    start.starts(with: RouteHeader.magic)
  }

  /// What a run logged.
  public static let trainingLog = FileKind("a training log", beginning: "{\"step\":")

  /// Weights that can be converted again: not those that training can go on from.
  public static let weights = FileKind("a file of weights alone") { _, path in
    guard let file = try? Safetensors(path: path) else { return false }
    return !file.tensors.contains { $0.name.hasPrefix("adam_") }
  }
}
