import Foundation

/// The Swift files of a model: the one that declares it, and helpers that are compiled with it.
///
/// A file is a model by itself. A folder's is its `model.swift`, or `main.swift`, and all other Swift
/// files of the folder are helpers.
public struct ModelFiles: Sendable, Hashable {
  /// The path of the file whose top level declares the model, as messages name it.
  public let main: String

  /// The paths of the others, sorted.
  public let helpers: [String]

  public var all: [String] { [main] + helpers }

  /// - Throws: `ToolchainError.modelNotFound`, `.modelIsNoSwiftFile`.
  public init(_ path: String) throws(ToolchainError) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .modelNotFound(path: path)
    }
    guard isFolder.boolValue else {
      (main, helpers) = (path, [])
      return
    }
    let folder = path.hasSuffix("/") && path != "/" ? String(path.dropLast()) : path
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw .modelNotFound(path: path)
    }
    let place = folder == "." ? "" : folder.hasSuffix("/") ? folder : folder + "/"
    let name = try Self.main(of: names, path)
    main = place + name
    helpers = names.filter { Self.isHelper($0) && $0 != name }.sorted().map { place + $0 }
      .filter { !Self.isFolder($0) }
  }

  private static let mains = ["model.swift", "main.swift"]

  /// The first folder of a package's sources that is a model, or where it would be.
  private static func sources(of folder: String) -> String {
    let sources = folder + "/Sources"
    let names = (try? FileManager.default.contentsOfDirectory(atPath: sources)) ?? []
    let name = names.sorted().first { name in
      mains.contains { FileManager.default.fileExists(atPath: "\(sources)/\(name)/\($0)") }
    }
    return "\(sources)/\(name ?? "NAME")"
  }

  /// Files that begin with a dot are an editor's or the system's.
  private static func isHelper(_ name: String) -> Bool {
    name.hasSuffix(".swift") && !name.hasPrefix(".") && name != "Package.swift"
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  private static func main(of names: [String], _ folder: String) throws(ToolchainError) -> String {
    let found = mains.filter(names.contains)
    if found.count == 2 {
      throw .folderIsNoModel(
        path: folder, reason: "holds both model.swift and main.swift",
        hint: "a folder has one model: give one of them another name, or name a file")
    }
    if let name = found.first { return name }
    if names.contains("Package.swift") {
      throw .folderIsNoModel(
        path: folder, reason: "is a Swift package, which moec does not build",
        hint: "name the folder of its sources that holds model.swift or main.swift: "
          + sources(of: folder))
    }
    throw .folderIsNoModel(
      path: folder, reason: "is a folder without model.swift",
      hint: "name a Swift file, or call the one that ends with LanguageModel(…) { … } model.swift")
  }
}

extension ModelFiles {
  /// What is in the files.
  ///
  /// - Throws: `ToolchainError.modelNotFound`, `.modelIsNoSwiftFile`.
  func read() throws(ToolchainError) -> [Data] {
    var sources: [Data] = []
    for path in all {
      // In swiftc's lists of files a line is a name.
      if path.contains("\n") {
        throw .modelIsNoSwiftFile(
          path: path.replacingOccurrences(of: "\n", with: "\\n"),
          reason: "has a line's end in its name, with which swiftc cannot find it")
      }
      guard let source = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
        throw .modelNotFound(path: path)
      }
      guard path.hasSuffix(".swift") else {
        throw .modelIsNoSwiftFile(path: path, reason: "is no Swift file: its name ends otherwise")
      }
      if source.contains(0) {
        // swiftc takes minutes to find out.
        throw .modelIsNoSwiftFile(path: path, reason: "is no text in UTF-8: it holds a zero byte")
      }
      sources.append(source)
    }
    return sources
  }

  /// The paths that swiftc is given. Of several files it takes top-level code from `main.swift` alone: a
  /// model of another name is copied into `folder` under that one, with a line that says where it is from.
  ///
  /// - Throws: `ToolchainError.folderIsNoModel` for a path that no such line can name, `.cannotWrite`.
  func inputs(_ source: Data, in folder: URL) throws(ToolchainError) -> [String] {
    let name = "main.swift"
    let others = helpers.map(Self.argument)
    if helpers.isEmpty || URL(fileURLWithPath: main).lastPathComponent == name {
      return [Self.argument(main)] + others
    }
    let isNamed = !main.unicodeScalars.contains { $0 == "\"" || $0 == "\\" || $0.value < 32 }
    guard isNamed else {
      throw .folderIsNoModel(
        path: main,
        reason: "lies in a folder whose name has quotes, backslashes or control characters",
        hint: "give the folder another name, or call the model main.swift")
    }
    var text = String(decoding: source, as: UTF8.self)
    if text.hasPrefix("\u{feff}") { text.removeFirst() }
    // A line for a shell is one only where it is the first.
    if text.hasPrefix("#!") { text = "//" + text }
    let file = folder.appendingPathComponent(name)
    let copy = "#sourceLocation(file: \"\(main)\", line: 1)\n\(text)"
    do {
      try Data(copy.utf8).write(to: file)
    } catch {
      throw .cannotWrite(file.path, code: errno, isTemporary: true)
    }
    return [file.path] + others
  }

  /// A name that begins as an option does is none.
  private static func argument(_ path: String) -> String {
    path.hasPrefix("-") || path.hasPrefix("@") ? "./" + path : path
  }
}
