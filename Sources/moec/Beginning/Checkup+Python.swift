import SystemFiles
import Toolchain

/// What is asked of Python.
extension Checkup {
  static func pythonPackages(_ limit: Double) -> [Finding] {
    let purposes = [
      ("numpy", "Examples/use-from-python"),
      ("torch", "comparisons with PyTorch, Examples/peers-benchmark"),
      ("mlflow", "a server for moec run --mlflow: mlflow ui"),
      ("tensorboard", "shows what moec run --tensorboard writes"),
    ]
    let optuna = ("optuna", "samplers and pruners of moec search")
    let usual = SearchCommand.usualPython
    if usual == "python3" { return packages(purposes + [optuna], of: usual, limit) }
    return packages(purposes, of: "python3", limit) + packages([optuna], of: usual, limit)
  }

  private static func packages(
    _ purposes: [(name: String, purpose: String)], of python: String, _ limit: Double
  ) -> [Finding] {
    let versions = versions(of: purposes.map(\.name), python, limit)
    let note = python == "python3" ? nil : "of $MOEC_PYTHON"
    return purposes.map { name, purpose in
      let version = versions?[name]
      if versions == nil {
        return Finding(
          name: name, purpose: purpose, state: .broken,
          note: "\(python) does not say whether it is here")
      }
      return Finding(
        name: name, purpose: purpose, state: version == nil ? .missing : .found,
        version: version, note: note,
        install: version == nil ? "\(ShellWord.quoted(python)) -m pip install \(name)" : nil)
    }
  }

  /// The versions of installed packages by name; none is loaded, which takes seconds. Nil if a Python
  /// that is there does not tell.
  private static func versions(
    of names: [String], _ python: String, _ limit: Double
  ) -> [String: String]? {
    let script = """
      import importlib.metadata as m, sys
      for n in sys.argv[1:]:
          try: print(n, m.version(n))
          except Exception: pass
      """
    let supervision = Supervision(limit: limit)
    let arguments = ["-c", script] + names
    let program = Subprocess(named: python, arguments: arguments, supervision: supervision)
    guard let program else { return [:] }
    guard let outcome = try? program.run(), outcome.status == 0 else { return nil }
    let words = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
    let pairs = words.compactMap { $0.count == 2 ? (String($0[0]), String($0[1])) : nil }
    return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }
}
