import Foundation

extension CompileJob {
  /// Compiles every source and links them; gives the library's bytes and the warnings.
  func build() throws(ToolchainError) -> BuiltLibrary {
    if options.sanitize && compiler.sanitizerRuntime() == nil {
      throw .noSanitizer(compiler: compiler.path)
    }
    let temporary = try TemporaryFolder()
    defer { temporary.remove() }
    let objects = names.indices.map { temporary.url.appendingPathComponent("\($0).o").path }
    let messages = try compileAll(to: objects)
    let library = temporary.url.appendingPathComponent("library")
    let linkMessages = try run(
      compileFlags + compiler.sharedFlags + compiler.linkFlags(options)
        + ["-o", library.path] + objects + ["-lm"])
    guard let data = try? Data(contentsOf: library) else {
      throw rejected("the compiler reported success and wrote no library")
    }
    let warnings = (messages + [linkMessages]).filter { !$0.isEmpty }.joined(separator: "\n")
    return BuiltLibrary(library: data, warnings: warnings)
  }

  /// One process for each source, as many at a time as there are processors.
  private func compileAll(to objects: [String]) throws(ToolchainError) -> [String] {
    let results = Results(count: names.count)
    DispatchQueue.concurrentPerform(iterations: names.count) { index in
      let arguments = compileFlags + ["-c", "-o", objects[index], names[index]]
      do throws(ToolchainError) {
        results.set(index, .success(try run(arguments)))
      } catch {
        results.set(index, .failure(error))
      }
    }
    var messages: [String] = []
    for result in results.all { messages.append(try result.get()) }
    return messages
  }

  /// Runs the compiler in the sources' folder; gives what it prints.
  private func run(_ arguments: [String]) throws(ToolchainError) -> String {
    let outcome = try Subprocess(
      executable: compiler.path, arguments: arguments, folder: folder.path,
      supervision: supervision
    ).run()
    let messages = outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    if outcome.status == 0 { return messages }
    if messages.contains("No space left on device") {
      // It writes to a temporary folder, never to the library's.
      throw .cannotWrite(
        FileManager.default.temporaryDirectory.path, code: ENOSPC, isTemporary: true)
    }
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
