import CompiledModels

extension MakeMoE {
  /// So small that differences of all of its numbers take no time.
  static func small(
    _ name: String = "small", _ change: (inout MakeMoE) -> Void = { _ in }
  ) -> MakeMoE {
    MakeMoE(name) {
      ($0.B, $0.T, $0.V, $0.C, $0.heads, $0.dropout) = (2, 5, 7, 6, 2, 0.1)
      change(&$0)
    }
  }

  static let allSmall = [
    small("dropless"), small("capacity") { $0.capacity = 1 }, small("tied") { $0.isTied = true },
    small("fused") { $0.isFused = true }, small("certain") { $0.dropout = 0 },
  ]
}
