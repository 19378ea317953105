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
    let quicker = try compile(8, header)
    #expect(quicker.library == plain.library)
    #expect(quicker.warnings == plain.warnings && plain.warnings.contains("unused"))
    _ = try compile(9, header)
    guard compiler.isClang else { return }
    #expect(try runs("-x c-header") == 1)
    #expect(try runs("-include-pch") == 2)
  }

  @Test("A header that is no longer what was read is done without")
  func stale() throws {
    let plain = try compile(8, nil)
    let header = header
    _ = try compile(9, header)
    let folder = scratch.url.appendingPathComponent("header").path
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      try scratch.write("header/" + name, "no longer")
    }
    #expect(try compile(8, header).library == plain.library)
  }

  @Test("Where addresses are checked there is none, as debug information tells where headers were")
  func sanitized() throws {
    guard compiler.sanitizerRuntime() != nil else { return }
    _ = try compile(8, header, to: "out.so", CompileOptions(sanitize: true))
    #expect(try runs("-include-pch") == 0)
  }

  /// `madvise` is declared where the first system header is read after `_DEFAULT_SOURCE`.
  @Test("A source that says what system headers declare goes without")
  func features() throws {
    let source = try scratch.write(
      "code/whole.c",
      """
      #define _DEFAULT_SOURCE
      #include <sys/mman.h>
      int whole(void);
      #ifdef MADV_NORMAL
      int whole(void) { return MADV_NORMAL; }
      #endif
      """)
    let output = scratch.url.appendingPathComponent("out.so")
    for precompiled in [nil, header] {
      let warnings = try compiler.compileLibrary(
        sources: [source], output: output, precompiled: precompiled)
      #expect(warnings.isEmpty)
      #expect(try Data(contentsOf: output).firstRange(of: Data("whole".utf8)) != nil)
    }
    #expect(try runs("-include-pch") == 0)
  }

  @Test("Where no header can be made, there is none")
  func none() throws {
    let plain = try compile(8, nil)
    let header = PrecompiledHeader(
      in: try scratch.write("file", "").appendingPathComponent("below"))
    #expect(try compile(8, header).library == plain.library)
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
    let (header, flags) = (header, try other.compileFlags(CompileOptions(), nil))
    let first = Thread { _ = header.flags(for: other, flags, .silent) }
    first.start()
    while !FileManager.default.fileExists(atPath: marks + "/begun") { usleep(1000) }
    #expect(header.flags(for: other, flags, .silent).isEmpty)
    try scratch.write("asked", "")
    while header.flags(for: other, flags, .silent).first != "-include-pch" { usleep(1000) }
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
