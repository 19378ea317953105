import Foundation

/// Finds out what one C compiler can do, by having it build a small library and loading that.
///
/// A library for another processor does not load here: it is looked at instead.
struct CCompilerProbe {
  /// Why a compiler is of no use.
  struct Failure: Error {
    var text: String
  }

  var path: String
  var openMPFolders: [String]
  var crossTarget: CrossTarget?
  var cache: ContentCache
  /// Seconds for each run of the compiler.
  var limit = Supervision.probing.limit

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
      ("kind", "C compiler 2"), ("target", crossTarget?.triple ?? ""),
      ("compiler", FileIdentity(path: path)?.text ?? path),
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
    func compiler(_ flags: [String]?) -> CCompiler {
      CCompiler(path: path, version: version, openMPFlags: flags, crossTarget: crossTarget)
    }
    for flags in openMPVariants where build(compiler(flags), in: folder.url) == nil {
      return .success(compiler(flags))
    }
    if let problem = build(compiler(nil), in: folder.url) {
      return .failure(Failure(text: problem))
    }
    return .success(compiler(nil))
  }

  private func firstLineOfVersion() -> String {
    let outcome = try? Subprocess(
      executable: path, arguments: ["--version"], supervision: Supervision(limit: limit)
    ).run()
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
  private func build(_ compiler: CCompiler, in folder: URL) -> String? {
    let library = "probe-\(UUID().uuidString).\(Machine.libraryExtension)"
    let arguments =
      compiler.crossFlags + (compiler.openMPFlags ?? []) + ["-std=c11", "-fPIC"]
      + compiler.sharedFlags + ["-o", library, "probe.c", "-lm"]
    do throws(ToolchainError) {
      let outcome = try Subprocess(
        executable: path, arguments: arguments, folder: folder.path,
        supervision: Supervision(limit: limit)
      ).run()
      guard outcome.status == 0 else {
        return outcome.output.split(separator: "\n").last.map(String.init)
          ?? "it ended with status \(outcome.status)"
      }
    } catch {
      return error.description
    }
    let file = folder.appendingPathComponent(library)
    if let crossTarget { return crossTarget.defect(of: file) }
    return Self.load(file.path)
  }

  private static func load(_ path: String) -> String? {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      return dlerror().map { String(cString: $0) } ?? "its library does not load"
    }
    dlclose(handle)
    return nil
  }

  /// Headers and the mathematical library are part of it: generated code needs them, and a
  /// compiler for another processor may well lack them.
  static let program = """
    #include <math.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #ifdef _OPENMP
    extern int omp_get_max_threads(void);
    #else
    static int omp_get_max_threads(void) { return 1; }
    #endif
    int probe(float x);
    int probe(float x)
    {
        int sum = expf(x) > 1.0f;
    #pragma omp parallel for reduction(+ : sum)
        for (int i = 0; i < 8; i++) sum += i;
        return sum + omp_get_max_threads();
    }

    """
}
