import Foundation

/// Finds out what one C compiler can do, by having it build a three-line library and loading that.
struct CCompilerProbe {
  /// Why a compiler is of no use.
  struct Failure: Error {
    var text: String
  }

  var path: String
  var openMPFolders: [String]
  var cache: ContentCache

  func run() -> Result<CCompiler, Failure> {
    if let known = cachedCompiler { return .success(known) }
    let fresh = probe()
    // A serial compiler may find a runtime tomorrow; only good news keeps.
    if case .success(let compiler) = fresh, compiler.openMPFlags != nil,
      let data = try? JSONEncoder().encode(compiler)
    {
      cache.store(data, for: key)
    }
    return fresh
  }

  private var cachedCompiler: CCompiler? {
    cache.data(for: key).flatMap { try? JSONDecoder().decode(CCompiler.self, from: $0) }
  }

  /// The compiler's file and the runtimes that it may link, by path, size and time.
  private var key: ContentKey {
    let runtimes = openMPFolders.map { folder in
      FileIdentity(path: "\(folder)/libomp.\(Machine.libraryExtension)")?.text ?? folder
    }
    return ContentKey([
      ("kind", "C compiler 1"), ("compiler", FileIdentity(path: path)?.text ?? path),
      ("runtimes", runtimes.joined(separator: "\n")),
    ])
  }

  private func probe() -> Result<CCompiler, Failure> {
    guard let folder = try? TemporaryFolder() else {
      return .failure(Failure(text: "no temporary folder can be made"))
    }
    defer { folder.remove() }
    let source = folder.url.appendingPathComponent("probe.c")
    guard (try? Data(Self.program.utf8).write(to: source)) != nil else {
      return .failure(Failure(text: "no temporary file can be written"))
    }
    let version = firstLineOfVersion()
    for flags in openMPVariants where build(with: flags, in: folder.url) == nil {
      return .success(CCompiler(path: path, version: version, openMPFlags: flags))
    }
    if let problem = build(with: [], in: folder.url) { return .failure(Failure(text: problem)) }
    return .success(CCompiler(path: path, version: version, openMPFlags: nil))
  }

  private func firstLineOfVersion() -> String {
    let outcome = try? Subprocess(executable: path, arguments: ["--version"]).run()
    let line = outcome?.output.split(separator: "\n").first ?? "unknown version"
    return String(line)
  }

  private var openMPVariants: [[String]] {
    let plain = [["-fopenmp"]]
    let elsewhere = openMPFolders.map { ["-fopenmp", "-L\($0)", "-Wl,-rpath,\($0)"] }
    #if canImport(Darwin)
      // Apple's driver refuses -fopenmp, its compiler proper does not.
      let apple = openMPFolders.map {
        ["-Xpreprocessor", "-fopenmp", "-L\($0)", "-lomp", "-Wl,-rpath,\($0)"]
      }
      return plain + elsewhere + apple
    #else
      return plain + elsewhere
    #endif
  }

  /// Nil if a library comes out that loads, else the last line of what went wrong.
  private func build(with flags: [String], in folder: URL) -> String? {
    let library = "probe-\(UUID().uuidString).\(Machine.libraryExtension)"
    let arguments =
      flags + ["-std=c11", "-fPIC"] + CCompiler.sharedFlags + ["-o", library, "probe.c"]
    do throws(ToolchainError) {
      let outcome = try Subprocess(executable: path, arguments: arguments, folder: folder.path)
        .run()
      guard outcome.status == 0 else {
        return outcome.output.split(separator: "\n").last.map(String.init)
          ?? "it ended with status \(outcome.status)"
      }
    } catch {
      return error.description
    }
    return Self.load(folder.appendingPathComponent(library).path)
  }

  private static func load(_ path: String) -> String? {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      return dlerror().map { String(cString: $0) } ?? "its library does not load"
    }
    dlclose(handle)
    return nil
  }

  static let program = """
    #ifdef _OPENMP
    extern int omp_get_max_threads(void);
    #else
    static int omp_get_max_threads(void) { return 1; }
    #endif
    int probe(void);
    int probe(void)
    {
        int sum = 0;
    #pragma omp parallel for reduction(+ : sum)
        for (int i = 0; i < 8; i++) sum += i;
        return sum + omp_get_max_threads();
    }

    """
}
