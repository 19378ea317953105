import Foundation
import SystemFiles

extension CCompiler {
  /// Compiles C files to a shared library.
  ///
  /// The files are compiled side by side, one process for each, as `commandLine` would compile
  /// them one after the other. What a file became is kept by what the compiler sees of it, so that
  /// a change costs the files that it changes. The library appears under its name when it is whole,
  /// or not at all.
  ///
  /// - Parameters:
  ///   - sources: C files, the first of them in the folder in which the compiler runs, the others
  ///     there or below.
  ///   - includeFolder: a further folder of headers.
  ///   - otherInputs: files that the sources read besides their headers, by `.incbin` for example.
  ///   - output: where the library goes; its folder must exist.
  ///   - cache: where an equal library, or an equal file, may already be, and is kept.
  ///   - keeping: what of it the cache is to keep.
  ///   - precompiled: what the compiler has read before.
  ///   - supervision: of each process of the compiler.
  ///   - report: told of each step when it is done, by whichever thread did it.
  /// - Returns: the compiler's warnings, also those of a library that is kept; empty if there are none.
  /// - Throws: `ToolchainError`.
  @discardableResult
  public func compileLibrary(
    sources: [URL], includeFolder: URL? = nil, otherInputs: [URL] = [], output: URL,
    options: CompileOptions = CompileOptions(), cache: ContentCache = ContentCache(folder: nil),
    keeping: KeptFiles = .all, precompiled: PrecompiledHeader? = nil,
    supervision: Supervision = .silent, report: @escaping @Sendable (CompileStep) -> Void = { _ in }
  ) throws(ToolchainError) -> String {
    let job = try CompileJob(
      compiler: self, sources: sources, includeFolder: includeFolder, output: output,
      options: options, supervision: supervision, cache: cache, keeping: keeping,
      precompiled: precompiled, report: report)
    let key = keeping == .all ? job.key(otherInputs) : nil
    if let key, let kept = cache.data(for: key).flatMap(BuiltFile.init(entry:)) {
      try job.install(kept.data)
      report(.keptLibrary)
      return kept.warnings
    }
    let built = try job.build()
    try job.install(built.data)
    if let key { cache.store(built.entry, for: key) }
    return built.warnings
  }
}

/// What a cache keeps of a library.
public enum KeptFiles: Sendable {
  /// The library, and the object of each source.
  case all

  /// Objects of sources in folders below, the kernels' of a model. Nobody compiles the rest again.
  case kernels
}

/// A step on the way from C to a library.
public enum CompileStep: Sendable, Equatable {
  /// A source was compiled in so many seconds.
  case compiled(String, seconds: Double)
  /// A source's object is the one of an earlier compilation.
  case kept(String)
  /// The library was linked.
  case linked(seconds: Double)
  /// The library is the one of an earlier compilation.
  case keptLibrary
}

/// A library or an object file, and what the compiler said of its sources.
struct BuiltFile {
  var data: Data
  var warnings: String

  /// For a cache: the size of the warnings in a line, the warnings, the file.
  var entry: Data { Data("\(warnings.utf8.count)\n\(warnings)".utf8) + data }
}

extension BuiltFile {
  /// Nil if the data is no entry.
  init?(entry: Data) {
    guard let end = entry.firstIndex(of: UInt8(ascii: "\n")),
      let count = Int(String(decoding: entry[..<end], as: UTF8.self)),
      (0...entry.distance(from: end + 1, to: entry.endIndex)).contains(count)
    else { return nil }
    let file = end + 1 + count
    warnings = String(decoding: entry[(end + 1)..<file], as: UTF8.self)
    data = Data(entry[file...])
  }
}

/// One library being compiled.
struct CompileJob: Sendable {
  let compiler: CCompiler
  let folder: URL
  let names: [String]
  let includeFolder: URL?
  let output: URL
  let options: CompileOptions
  let supervision: Supervision
  let cache: ContentCache
  let keeping: KeptFiles
  let precompiled: PrecompiledHeader?
  let report: @Sendable (CompileStep) -> Void
  let compileFlags: [String]
  let kernelFlags: [String]
  let commandLine: String

  init(
    compiler: CCompiler, sources: [URL], includeFolder: URL?, output: URL, options: CompileOptions,
    supervision: Supervision, cache: ContentCache, keeping: KeptFiles,
    precompiled: PrecompiledHeader?, report: @escaping @Sendable (CompileStep) -> Void
  ) throws(ToolchainError) {
    self.compiler = compiler
    self.includeFolder = includeFolder
    self.output = output
    self.options = options
    self.supervision = supervision
    self.cache = cache
    self.keeping = keeping
    self.precompiled = precompiled
    self.report = report
    let folder = sources.first?.absoluteURL.deletingLastPathComponent() ?? output
    self.folder = folder
    names = sources.map { Self.name(of: $0, below: folder) }
    compileFlags = try compiler.compileFlags(options, includeFolder?.path)
    kernelFlags = try compiler.compileFlags(options.ofKernels, includeFolder?.path)
    commandLine = try compiler.commandLine(
      sources: names, output: output.lastPathComponent, includeFolder: includeFolder?.path,
      options: options)
    try Self.requireWritable(output)
  }

  private static func name(of source: URL, below folder: URL) -> String {
    let (path, start) = (source.absoluteURL.path, folder.path + "/")
    return path.hasPrefix(start) ? String(path.dropFirst(start.count)) : source.lastPathComponent
  }

  /// Said before minutes of compiling rather than after.
  private static func requireWritable(_ output: URL) throws(ToolchainError) {
    var isFolder: ObjCBool = false
    let files = FileManager.default
    if files.fileExists(atPath: output.path, isDirectory: &isFolder), isFolder.boolValue {
      throw .cannotWrite(
        path: output.relativePath, reason: "it is a folder", hint: SystemError.hint(for: EISDIR))
    }
    let parent = output.absoluteURL.deletingLastPathComponent().path
    guard files.fileExists(atPath: parent, isDirectory: &isFolder), isFolder.boolValue else {
      throw .cannotWrite(
        path: output.relativePath, reason: "there is no folder \(parent)",
        hint: "make the folder first")
    }
    guard access(parent, W_OK) == 0 else {
      throw .cannotWrite(output.relativePath, code: errno)
    }
  }

  /// Everything that the library depends on; nil if a source cannot be read.
  func key(_ otherInputs: [URL]) -> ContentKey? {
    let headers = [folder, includeFolder].compactMap { $0 }.flatMap(Self.headers)
    var inputs = circumstances("library 3", command: commandLine)
    for file in names.map({ folder.appendingPathComponent($0) }) + headers + otherInputs {
      guard let data = try? Data(contentsOf: file) else { return nil }
      inputs.append((file.lastPathComponent, data))
    }
    return ContentKey(inputs)
  }

  /// What the compiler makes of any source depends on.
  func circumstances(_ kind: String, command: String) -> [(label: String, value: Data)] {
    [
      ("kind", kind), ("command", command), ("version", compiler.version),
      ("compiler", FileIdentity(path: compiler.path)?.text ?? compiler.path),
      ("processor", options.target == "native" ? Machine.processor : ""),
    ].map { ($0.0, Data($0.1.utf8)) }
  }

  /// All headers below `folder`, in a fixed order.
  private static func headers(below folder: URL) -> [URL] {
    let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
    return paths.filter { $0.hasSuffix(".h") }.sorted().map { folder.appendingPathComponent($0) }
  }

  /// Writes `library` beside its place and moves it there. A new one has the permissions that the
  /// umask leaves, one that replaces another has those of that one.
  func install(_ library: Data) throws(ToolchainError) {
    let name = ".\(output.lastPathComponent).\(UUID().uuidString)"
    let fresh = output.deletingLastPathComponent().appendingPathComponent(name)
    var status = stat()
    let old = stat(output.path, &status) == 0 ? status.st_mode & 0o777 : nil
    // Renamed, not copied over: whoever has the old library loaded keeps it whole.
    guard NewFile.write(library, to: fresh.path, mode: 0o777, exactMode: old) == 0,
      rename(fresh.path, output.path) == 0
    else {
      let code = errno
      unlink(fresh.path)
      throw .cannotWrite(output.relativePath, code: code)
    }
  }
}
