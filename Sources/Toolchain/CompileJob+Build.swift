import Foundation

extension CompileJob {
  /// Compiles every source and links them; gives the library's bytes and the warnings.
  func build() throws(ToolchainError) -> BuiltFile {
    if options.sanitize && compiler.sanitizerRuntime() == nil {
      throw .noSanitizer(compiler: compiler.path)
    }
    let temporary = try TemporaryFolder()
    defer { temporary.remove() }
    let objects = names.indices.map { "\($0).o" }
    let messages = try compileAll(
      to: objects.map { temporary.url.appendingPathComponent($0).path })
    let library = temporary.url.appendingPathComponent("library")
    let start = Stopwatch.now
    // Linkers may write the names that they are given, of which none is to be another one each time.
    let linkMessages = try run(
      compileFlags + compiler.sharedFlags + compiler.linkFlags(options)
        + ["-o", library.lastPathComponent] + objects + ["-lm"],
      in: temporary.url)
    guard let data = try? Data(contentsOf: library) else {
      throw rejected("the compiler reported success and wrote no library")
    }
    report(.linked(seconds: Stopwatch.now - start))
    let warnings = (messages + [linkMessages]).filter { !$0.isEmpty }.joined(separator: "\n")
    return BuiltFile(data: data, warnings: warnings)
  }

  /// One process for each source, as many at a time as there are processors.
  private func compileAll(to objects: [String]) throws(ToolchainError) -> [String] {
    let results = Results(count: names.count)
    let (order, keys) = (longestFirst, objectKeys)
    DispatchQueue.concurrentPerform(iterations: names.count) { turn in
      let index = order[turn]
      do throws(ToolchainError) {
        results.set(index, .success(try compile(names[index], to: objects[index], keys[index])))
      } catch {
        results.set(index, .failure(error))
      }
    }
    var messages: [String] = []
    for result in results.all { messages.append(try result.get()) }
    return messages
  }

  /// Kernels lie in folders below.
  private static func isKernel(_ name: String) -> Bool { name.contains("/") }

  private func flags(for name: String) -> [String] {
    Self.isKernel(name) ? kernelFlags : compileFlags
  }

  /// Kernels take longer than their size says; of the others the largest first, so that no thread is left
  /// alone with it at the end.
  private var longestFirst: [Int] {
    let sizes = names.map { name in
      let path = folder.appendingPathComponent(name).path
      return (Self.isKernel(name) ? 0 : 1, -(FileIdentity(path: path)?.size ?? 0))
    }
    return names.indices.sorted { sizes[$0] < sizes[$1] }
  }

  /// What each source's object is kept under; nil for one that is not.
  private var objectKeys: [ContentKey?] {
    guard cache.folder != nil else { return names.map { _ in nil } }
    let own = circumstances("object", command: compileFlags.joined(separator: "\n"))
    let kernels = circumstances("object", command: kernelFlags.joined(separator: "\n"))
    var texts = SourceTexts(includeFolder: includeFolder)
    return names.map { name in
      let isKernel = Self.isKernel(name)
      guard isKernel || keeping == .all else { return nil }
      return texts.inputs(of: folder.appendingPathComponent(name)).map {
        ContentKey((isKernel ? kernels : own) + $0)
      }
    }
  }

  /// Compiles one source, or takes what an equal one became; gives the warnings.
  private func compile(
    _ name: String, to object: String, _ key: ContentKey?
  ) throws(ToolchainError) -> String {
    if let key, let kept = cache.data(for: key).flatMap(BuiltFile.init(entry:)),
      (try? kept.data.write(to: URL(fileURLWithPath: object))) != nil
    {
      report(.kept(name))
      return kept.warnings
    }
    let start = Stopwatch.now
    let warnings = try compile(name, to: object)
    report(.compiled(name, seconds: Stopwatch.now - start))
    if let key, let data = try? Data(contentsOf: URL(fileURLWithPath: object)) {
      cache.store(BuiltFile(data: data, warnings: warnings).entry, for: key)
    }
    return warnings
  }

  private func compile(_ name: String, to object: String) throws(ToolchainError) -> String {
    let (flags, words) = (flags(for: name), ["-c", "-o", object, name])
    // Debug information tells where a header was.
    let header = options.sanitize ? nil : precompiled
    let source = folder.appendingPathComponent(name)
    let started = header?.flags(for: compiler, flags, source: source, supervision) ?? []
    guard !started.isEmpty else { return try run(flags + words) }
    do throws(ToolchainError) {
      return try run(flags + started + words)
    } catch .generatedCodeRejected {
      // It may be older than the header that it was made of.
      return try run(flags + words)
    }
  }

  /// Runs the compiler, in the sources' folder unless another is given; returns what it prints.
  private func run(
    _ arguments: [String], in place: URL? = nil
  ) throws(ToolchainError) -> String {
    let outcome = try Subprocess(
      executable: compiler.path, arguments: arguments, folder: (place ?? folder).path,
      supervision: supervision
    ).run()
    let messages = outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    if outcome.status == 0 { return messages }
    if messages.contains("No space left on device") {
      // It writes to a temporary folder, never to the library's.
      throw .cannotWrite(
        FileManager.default.temporaryDirectory.path, code: ENOSPC, isTemporary: true)
    }
    try ToolchainError.checkForKill(compiler.path, status: outcome.status)
    throw rejected(messages.isEmpty ? "it ended with status \(outcome.status)" : messages)
  }

  private func rejected(_ diagnostics: String) -> ToolchainError {
    .generatedCodeRejected(
      folder: folder.relativePath, commandLine: commandLine, diagnostics: diagnostics)
  }
}

/// Results that several threads write, each at its own index.
private final class Results: @unchecked Sendable {
  private let lock = NSLock()
  private var values: [Result<String, ToolchainError>]

  init(count: Int) { values = Array(repeating: .success(""), count: count) }

  var all: [Result<String, ToolchainError>] { lock.withLock { values } }

  func set(_ index: Int, _ value: Result<String, ToolchainError>) {
    lock.withLock { values[index] = value }
  }
}
