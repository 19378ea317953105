import Chat
import Driver
import Foundation
import ModelRuntime
import SystemFiles

/// Where a training run keeps what it makes unless its files are named: `runs/NAME`.
struct RunFolder: Equatable {
  let path: String

  var weights: String { path + "/weights.safetensors" }
  var log: String { path + "/log.jsonl" }
  var settings: String { path + "/settings.json" }
  var curve: String { path + "/curve.svg" }
  /// What chats with the weights need, of runs that learned from conversations.
  var template: String { path + "/" + ChatFiles.templateName }
  var facts: String { path + "/" + ChatFiles.factsName }

  init(path: String) { self.path = path }

  /// The folder of all runs: `$MOEC_RUNS`, or `runs` of the current folder.
  static var root: String {
    let chosen = ProcessInfo.processInfo.environment["MOEC_RUNS"] ?? ""
    return chosen.isEmpty ? "runs" : chosen
  }

  /// A run by its name, or by its folder where there is a slash in it.
  init(named name: String) {
    path = name.contains("/") ? name : "\(Self.root)/\(name)"
  }

  /// Whether it is no folder of one run, such as that of all runs.
  var isUnnamed: Bool { ["", ".", ".."].contains(Self.split(path).name) }

  /// The run that a checkpoint belongs to; nil for one that lies elsewhere.
  init?(holding checkpoint: String) {
    let (folder, name) = Self.split(checkpoint)
    guard name == "weights.safetensors" || name == "weights.best.safetensors",
      access(folder + "/settings.json", F_OK) == 0
    else { return nil }
    path = folder
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (String(path[..<slash]), String(path[path.index(after: slash)...]))
  }

  /// A new folder for a run of this library: `runs/makemoe`, or `runs/makemoe-2` and so on.
  static func fresh(library: String) throws -> RunFolder {
    let name = self.name(of: library)
    for number in 1...100_000 {
      let folder = RunFolder(named: number == 1 ? name : "\(name)-\(number)")
      if try folder.make() { return folder }
    }
    throw CompilationError(
      message: "there are 100,000 runs called \(name) in \(root)",
      hint: "name this one with --run NAME")
  }

  /// `makemoe` of `build/libmakemoe.so`.
  private static func name(of library: String) -> String {
    var name = Substring(split(library).name)
    if let dot = name.lastIndex(of: "."), dot > name.startIndex { name = name[..<dot] }
    if name.hasPrefix("lib"), name.count > 3 { name = name.dropFirst(3) }
    return name.isEmpty ? "run" : String(name)
  }

  /// Makes the folder, and those above it; false if it was there. Errors: it cannot be made.
  @discardableResult
  func make() throws -> Bool {
    let above = Self.split(path).folder
    if !above.isEmpty, NewFolder.make(above) != 0 {
      throw CompilationError(
        message: FileError(operation: "make", path: above, code: errno).message, hint: Self.hint)
    }
    if mkdir(path, 0o777) == 0 { return true }
    let code = errno
    var isFolder: ObjCBool = false
    if code == EEXIST, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
      if isFolder.boolValue { return false }
    }
    throw CompilationError(
      message: FileError(operation: "make", path: path, code: code).message, hint: Self.hint)
  }

  private static let hint =
    "name the run's folder with --run DIR/NAME, its files with --save and --log, or keep nothing with --no-save"

  /// Removes settings, curve and an empty log of a run that saved nothing, as on a full disk.
  func removeUntrained() {
    var status = stat()
    guard access(weights, F_OK) != 0, stat(log, &status) != 0 || status.st_size == 0 else { return }
    for path in [settings, log, curve, template, facts] { unlink(path) }
  }

  /// Removes the folder, and that of all runs, if there is nothing in them.
  func removeIfEmpty() {
    if rmdir(path) == 0 { rmdir(Self.root) }
  }

  /// Whether a run has been here.
  private var isRun: Bool { access(log, F_OK) == 0 || access(settings, F_OK) == 0 }

  /// All runs in a folder, by name; the folder itself, if it is that of one run.
  static func all(in root: String) -> [RunFolder] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    // A shell's completion ends folders with a slash.
    let end = root.lastIndex { $0 != "/" }.map(root.index(after:)) ?? root.startIndex
    let own = RunFolder(path: String(root[..<end]))
    return (own.isRun ? [own] : [])
      + names.sorted().map { RunFolder(path: "\(own.path)/\($0)") }.filter(\.isRun)
  }

  /// The weights of the newest run with this library, if there are any.
  static func newestWeights(of library: String) -> String? {
    let name = name(of: library)
    let weights = all(in: root).filter { folder in
      let own = split(folder.path).name
      return own == name || own.hasPrefix(name + "-")
    }.map(\.weights)
    func age(_ path: String) -> Int {
      var status = stat()
      guard stat(path, &status) == 0 else { return -1 }
      #if canImport(Darwin)
        return status.st_mtimespec.tv_sec
      #else
        return status.st_mtim.tv_sec
      #endif
    }
    return weights.filter { age($0) >= 0 }.max { age($0) < age($1) }
  }
}
