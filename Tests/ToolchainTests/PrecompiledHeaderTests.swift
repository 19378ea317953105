import Foundation
import Testing

@testable import Toolchain

/// Libraries that are soon thrown away: what is read once for all of them, and what is kept of them.
@Suite struct PrecompiledHeaderTests {
  private let scratch: Scratch
  private let compiler: CCompiler
  private let log: URL

  /// The machine's compiler, whose runs are noted.
  init() throws {
    scratch = try Scratch()
    let real = try Machines.realCompiler()
    log = try scratch.write("runs", "")
    let path = try scratch.script(
      "noting-cc", "echo \"$*\" >> '\(log.path)'; exec \(real.path) \"$@\"")
    compiler = CCompiler(path: path, version: real.version, openMPFlags: real.openMPFlags)
  }

  private var header: PrecompiledHeader {
    PrecompiledHeader(in: scratch.url.appendingPathComponent("header"))
  }

  private func runs(_ word: String) throws -> Int {
    try String(contentsOf: log, encoding: .utf8).split(separator: "\n").count { $0.contains(word) }
  }

  /// Two sources, one of them a kernel, with a warning.
  private func sources(_ number: Int) throws -> [URL] {
    [
      try scratch.write(
        "code/whole.c",
        "#include \"kernels/half.h\"\nint whole(void);\nint whole(void) { int a; return half(\(number)); }\n"
      ),
      try scratch.write(
        "code/kernels/half.c", "#include \"half.h\"\nint half(int a) { return a / 2; }\n"),
    ]
  }

  private func compile(
    _ number: Int, _ header: PrecompiledHeader?, to name: String = "out.so",
    _ options: CompileOptions = CompileOptions()
  ) throws -> (library: Data, warnings: String) {
    let vectors = "#if defined(__AVX2__)\n#include <immintrin.h>\n#endif\n"
    try scratch.write("code/kernels/half.h", vectors + "int half(int a);\n")
    let output = scratch.url.appendingPathComponent(name)
    let warnings = try compiler.compileLibrary(
      sources: sources(number), output: output, options: options,
      cache: ContentCache(folder: scratch.url.appendingPathComponent("cache")), keeping: .kernels,
      precompiled: header)
    return (try Data(contentsOf: output), warnings)
  }

  @Test(
    "Libraries and warnings are the same with a header that was read before, once for all of them")
  func same() throws {
    let plain = try compile(8, nil)
    let header = header
    for _ in 1...3 {
      let quicker = try compile(8, header)
      #expect(quicker.library == plain.library)
      #expect(quicker.warnings == plain.warnings && plain.warnings.contains("unused"))
    }
    guard compiler.isClang else { return }
    // The first source goes without: it may be the only one.
    #expect(try runs("-x c-header") == 1)
    #expect(try runs("-include-pch") == 2)
  }

  @Test("A header that is no longer what was read is done without")
  func stale() throws {
    let plain = try compile(8, nil)
    let header = header
    for number in 9...10 { _ = try compile(number, header) }
    let folder = scratch.url.appendingPathComponent("header").path
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      try scratch.write("header/" + name, "no longer")
    }
    #expect(try compile(8, header).library == plain.library)
  }

  @Test("Where addresses are checked there is none, as debug information tells where headers were")
  func sanitized() throws {
    guard compiler.sanitizerRuntime() != nil else { return }
    let header = header
    for number in 1...2 {
      _ = try compile(number, header, to: "out.so", CompileOptions(sanitize: true))
    }
    #expect(try runs("-include-pch") == 0)
  }

  /// `madvise` is declared where the first system header is read after `_DEFAULT_SOURCE`.
  @Test("A source that says what system headers declare has a header that begins with it")
  func features() throws {
    let feature = "#define _DEFAULT_SOURCE 1"
    // The header of vector instructions reads system headers.
    let text =
      "#include <sys/mman.h>\nint whole(void);\n"
      + "#ifdef MADV_NORMAL\nint whole(void) { return MADV_NORMAL; }\n#endif\n"
    let source = try scratch.write("code/whole.c", feature + "  // madvise\n" + text)
    let other = try scratch.write("code/other.c", text.replacing("whole", with: "other"))
    let output = scratch.url.appendingPathComponent("out.so")
    let header = header
    var libraries: [Data] = []
    for precompiled in [nil, header, header, header] {
      let warnings = try compiler.compileLibrary(
        sources: [source, other], output: output, precompiled: precompiled)
      #expect(warnings.isEmpty)
      libraries.append(try Data(contentsOf: output))
    }
    #expect(libraries.allSatisfy { $0 == libraries[0] })
    #expect(libraries[0].firstRange(of: Data("whole".utf8)) != nil)
    guard compiler.isClang else { return }
    #expect(try runs("-x c-header") == 2 && runs("-include-pch") == 4)
  }

  @Test("Where no header can be made, there is none")
  func none() throws {
    let plain = try compile(8, nil)
    let header = PrecompiledHeader(
      in: try scratch.write("file", "").appendingPathComponent("below"))
    for _ in 1...3 { #expect(try compile(8, header).library == plain.library) }
    #expect(try runs("-include-pch") == 0)
  }

  @Test("Nobody waits for a header that is being made", .timeLimit(.minutes(2)))
  func busy() throws {
    guard compiler.isClang else { return }
    let marks = scratch.url.path
    let slow = try scratch.script(
      "slow-cc",
      """
      touch '\(marks)/begun'
      for i in $(seq 600); do test -e '\(marks)/asked' && break; sleep 0.1; done
      exec \(compiler.path) "$@"
      """)
    let other = CCompiler(
      path: slow, version: compiler.version, openMPFlags: compiler.openMPFlags)
    let header = header
    let (source, flags) = (try sources(8)[0], try other.compileFlags(CompileOptions(), nil))
    @Sendable func words() -> [String] { header.flags(for: other, flags, source: source, .silent) }
    #expect(words().isEmpty)
    Thread { _ = words() }.start()
    while !FileManager.default.fileExists(atPath: marks + "/begun") { usleep(1000) }
    #expect(words().isEmpty)
    try scratch.write("asked", "")
    while words().first != "-include-pch" { usleep(1000) }
  }

  @Test(
    "Of a library that nobody makes again only kernels are kept, with the optimisation they have")
  func kept() throws {
    var options = CompileOptions()
    (options.optimisation, options.kernelOptimisation) = (.none, .full)
    for _ in 1...2 { _ = try compile(8, nil, options) }
    #expect(try runs("-O3 ") == 1 && runs("half.c") == 1)
    #expect(try runs("whole.c") == 2)
    let entries = try FileManager.default.contentsOfDirectory(
      atPath: scratch.url.appendingPathComponent("cache").path)
    #expect(entries.count == 1)
    options.kernelOptimisation = nil
    _ = try compile(8, nil, options)
    #expect(try runs("half.c") == 2)
  }
}
