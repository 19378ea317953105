import CKernels
import Planning

extension KernelFile {
  /// Every kernel file, those that others include first.
  static let all: [KernelFile] = {
    let files = (0..<ckernels_count()).map { GeneratedFile(ckernels_file($0)) }
    let bodies = Dictionary(
      uniqueKeysWithValues: files.filter { $0.path.hasSuffix(".c") }.map { ($0.name, $0) })
    return files.filter { $0.path.hasSuffix(".h") }.map {
      KernelFile(name: $0.name, header: $0, body: bodies[$0.name])
    }
  }()

  /// The files of the given names and all that they include, in the order of `all`.
  static func needed(by names: [String]) -> [KernelFile] {
    var wanted: Set<String> = ["adamw", "panels", "random", "targets", "threads"]
    var open = names + wanted
    while let name = open.popLast() {
      wanted.insert(name)
      open += (all.first { $0.name == name }?.needs ?? []).filter { !wanted.contains($0) }
    }
    return all.filter { wanted.contains($0.name) }
  }

  /// The paths of the sources that a plan's kernels are compiled from.
  static func sources(of plan: Plan) -> [String] {
    let calls = plan.layers.flatMap { $0.forward + $0.backward }
    return needed(by: Array(Set(calls.compactMap(\.code.kernel)))).compactMap(\.body?.path)
  }
}

extension GeneratedFile {
  /// A file that the compiler carries.
  fileprivate init(_ carried: carried_file) {
    self.init(path: String(cString: carried.path), text: String(cString: carried.text))
  }

  /// The file's name without its folder and its ending.
  fileprivate var name: String {
    String(path.split(separator: "/").last?.split(separator: ".").first ?? "")
  }
}
