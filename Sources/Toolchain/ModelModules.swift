import Foundation

/// The compiled modules that a model imports: where their interfaces are, and their object files.
public struct ModelModules: Sendable, Hashable {
  /// The folder of the `.swiftmodule` files.
  public var folder: URL
  /// The names of the modules, such as `MoE`.
  public var names: [String]
  /// The object files to link with a model.
  public var objects: [URL]

  public init(folder: URL, names: [String], objects: [URL]) {
    self.folder = folder
    self.names = names
    self.objects = objects
  }

  /// The modules as SwiftPM leaves them beside an executable, and as `install.sh` copies them:
  /// `Modules/NAME.swiftmodule` and the objects below `NAME.build`. Links to the executable are
  /// followed.
  ///
  /// - Parameters:
  ///   - names: the modules, those that a model imports and those that they import.
  ///   - executable: a path; by default that of the running program.
  /// - Throws: `ToolchainError.modulesNotFound`.
  public static func beside(
    executable: String? = nil, names: [String]
  ) throws(ToolchainError) -> ModelModules {
    let products = Self.folder(of: executable)
    let folder = products.appendingPathComponent("Modules")
    var objects: [URL] = []
    for name in names {
      let interface = "Modules/\(name).swiftmodule"
      let found = Self.objects(of: name, in: products)
      guard FileManager.default.fileExists(atPath: products.path + "/" + interface) else {
        throw .modulesNotFound(folder: products.path, missing: interface)
      }
      guard !found.isEmpty else {
        throw .modulesNotFound(folder: products.path, missing: "\(name).build/*.o")
      }
      objects += found
    }
    return ModelModules(folder: folder, names: names, objects: objects)
  }

  /// The modules beside the running program that every model is compiled against.
  ///
  /// - Throws: `ToolchainError.modulesNotFound`.
  public static func models() throws(ToolchainError) -> ModelModules {
    try beside(names: ["MoE", "GraphIR", "Words"])
  }

  private static var runningExecutable: String {
    #if canImport(Darwin)
      Bundle.main.executablePath ?? CommandLine.arguments[0]
    #else
      "/proc/self/exe"
    #endif
  }

  /// The folder in which lies what belongs to an executable: its own, links followed. An installation
  /// whose links were copied as what they lead to (`cp -rL`) has `bin/moec` as a file, and then it is
  /// `lib/moec` beside `bin`, if the program there is as large.
  ///
  /// - Parameter executable: a path; by default that of the running program.
  public static func folder(of executable: String? = nil) -> URL {
    let program = URL(fileURLWithPath: SearchPath.resolved(executable ?? runningExecutable))
    let own = program.deletingLastPathComponent()
    let name = program.lastPathComponent
    let installed = own.deletingLastPathComponent().appendingPathComponent("lib/\(name)")
    let hasModules = FileManager.default.fileExists(atPath: own.path + "/Modules")
    guard !hasModules, own.lastPathComponent == "bin", let size = size(of: program),
      size == self.size(of: installed.appendingPathComponent(name))
    else { return own }
    return installed
  }

  private static func size(of file: URL) -> Int? {
    var status = stat()
    return stat(file.path, &status) == 0 ? Int(status.st_size) : nil
  }

  /// The path of the running program, links followed, to start it once more.
  public static var ownExecutable: String { SearchPath.resolved(runningExecutable) }

  /// The objects that SwiftPM's own list names, as a folder may hold others, of sources long gone.
  /// Without a list, in an installed folder, it is all of them.
  private static func objects(of name: String, in products: URL) -> [URL] {
    let folder = products.appendingPathComponent("\(name).build")
    let list = folder.appendingPathComponent("output-file-map.json")
    guard let data = try? Data(contentsOf: list) else { return Self.objects(in: folder) }
    guard
      let files = try? JSONDecoder().decode([String: [String: String]].self, from: data)
    else { return [] }
    let marker = "/\(name).build/"
    let sources = files.filter { !$0.key.isEmpty }.sorted { $0.key < $1.key }
    let objects = sources.compactMap { source -> URL? in
      guard let object = source.value["object"],
        let place = object.range(of: marker, options: .backwards)
      else { return nil }
      return folder.appendingPathComponent(String(object[place.upperBound...]))
    }
    let areThere = objects.allSatisfy { FileManager.default.fileExists(atPath: $0.path) }
    return areThere ? objects : []
  }

  private static func objects(in folder: URL) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".o") }.sorted().map { folder.appendingPathComponent($0) }
  }

  /// The folder of the `.swiftmodule` files under a name that the next installation leaves as it is:
  /// `lib/moec` is a link to the folder that `install.sh` made last.
  public var lastingFolder: URL {
    let products = folder.deletingLastPathComponent()
    let link = products.deletingLastPathComponent().appendingPathComponent("moec")
    guard link.resolvingSymlinksInPath().path == products.resolvingSymlinksInPath().path else {
      return folder
    }
    return link.appendingPathComponent(folder.lastPathComponent)
  }

  /// The files whose contents a model's graph depends on.
  var files: [URL] {
    names.map { folder.appendingPathComponent("\($0).swiftmodule") } + objects
  }
}
