import Foundation
import Testing

@testable import Toolchain

@Suite struct CompileLibraryTests {
  let scratch: Scratch
  let compiler: CCompiler
  let output: URL

  init() throws {
    scratch = try Scratch()
    compiler = try Machines.realCompiler()
    output = scratch.url.appendingPathComponent("out/libtwo.so")
    try scratch.write("out/keep", "")
  }

  /// Two sources and a header in a folder below; their result is 42 only with all three.
  func sources(second: String = "return HALF + HALF;") throws -> [URL] {
    try scratch.write("c code/kernels/half.h", "#define HALF 21\n")
    return [
      try scratch.write(
        "c code/one.c", "int two(void);\nint one(void);\nint one(void) { return two(); }\n"),
      try scratch.write(
        "c code/two.c",
        "#include \"kernels/half.h\"\nint two(void);\nint two(void) { \(second) }\n"),
    ]
  }

  func result(_ library: URL) throws -> Int32 {
    let handle = try #require(dlopen(library.path, RTLD_NOW | RTLD_LOCAL))
    defer { dlclose(handle) }
    let function = try #require(dlsym(handle, "one"))
    typealias Function = @convention(c) () -> Int32
    return unsafeBitCast(function, to: Function.self)()
  }

  private func outputFiles() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: scratch.url.path + "/out")) ?? [])
      .sorted()
  }

  @Test func compilesAndLoads() throws {
    let warnings = try compiler.compileLibrary(sources: sources(), output: output)
    #expect(warnings == "")
    #expect(try result(output) == 42)
    #expect(outputFiles() == ["keep", "libtwo.so"])
  }

  /// The system does so where memory is short; it is no fault of the generated code.
  @Test(arguments: ["KILL", "XCPU", "TERM"])
  func aCompilerThatIsKilledIsSaidToBe(signal: String) throws {
    let script = try scratch.write("killed", "#!/bin/sh\nulimit -c 0; kill -\(signal) $$\n")
    #expect(chmod(script.path, 0o755) == 0)
    let killed = CCompiler(path: script.path, version: "clang", openMPFlags: nil)
    var text = ""
    for _ in 0..<20 {
      let error = #expect(throws: ToolchainError.self) {
        try killed.compileLibrary(sources: sources(), output: output)
      }
      text = try #require(error?.description)
      // What another test starts may hold the script open, as this process did when it wrote it.
      if !text.contains("Text file busy") { break }
      usleep(100_000)
    }
    #expect(text.hasPrefix("error: \(script.path) was killed: "), "\(text)")
    #expect(text.contains("hint: look whether memory or processor time ran out"))
    #expect(outputFiles() == ["keep"])
  }

  @Test func commandLineDoesTheSame() throws {
    let sources = try sources()
    let names = sources.map(\.lastPathComponent)
    let line = try compiler.commandLine(sources: names, output: "by hand.so")
    let folder = sources[0].deletingLastPathComponent()
    let outcome = try Subprocess(
      executable: "/bin/sh", arguments: ["-c", line], folder: folder.path
    ).run()
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(try result(folder.appendingPathComponent("by hand.so")) == 42)
  }

  @Test func threadsRunWhereTheyAreFound() throws {
    guard compiler.openMPFlags != nil else { return }
    let source = try scratch.write(
      "omp.c",
      """
      #ifdef _OPENMP
      extern int omp_get_num_threads(void);
      #endif
      int one(void);
      int one(void)
      {
          int count = 0;
      #pragma omp parallel num_threads(3) reduction(max : count)
          count = omp_get_num_threads();
          return count;
      }

      """)
    try compiler.compileLibrary(sources: [source], output: output)
    #expect(try result(output) == 3)
  }

  /// Those that are not installed are not tried; one is, or no test of this suite runs.
  @Test(arguments: ["clang-14", "clang", "gcc"])
  func everyUsualCompiler(name: String) throws {
    guard SearchPath.standard.first(named: name) != nil else { return }
    let search = CCompilerSearch(preferred: name, cache: ContentCache(folder: nil))
    let compiler = try search.choose().compiler
    for options in [CompileOptions(), CompileOptions(target: Self.baseTarget)] {
      #expect(
        try compiler.compileLibrary(sources: sources(), output: output, options: options) == "")
      #expect(try result(output) == 42)
    }
  }

  /// Some linkers write the name of what they make into it.
  @Test(arguments: ["clang-14", "clang", "gcc"])
  func theSameAgain(name: String) throws {
    guard SearchPath.standard.first(named: name) != nil else { return }
    let search = CCompilerSearch(preferred: name, cache: ContentCache(folder: nil))
    let compiler = try search.choose().compiler
    let libraries = try (1...2).map { _ in
      try compiler.compileLibrary(sources: sources(), output: output)
      return try Data(contentsOf: output)
    }
    #expect(libraries[0] == libraries[1])
  }

  private static var baseTarget: String {
    Machine.architecture == "x86_64" ? "x86-64-v2" : "aarch64"
  }

  @Test func warningsAreGivenBack() throws {
    let sources = try sources(second: "int unused = HALF; return 42;")
    let warnings = try compiler.compileLibrary(sources: sources, output: output)
    #expect(warnings.contains("two.c"))
    #expect(warnings.contains("unused"))
  }

  @Test func aWarningIsNoReasonNotToKeepALibrary() throws {
    let sources = try sources(second: "int unused = HALF; return 42;")
    let cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    let first = try compiler.compileLibrary(sources: sources, output: output, cache: cache)
    #expect(first.contains("unused"))
    // A library that is kept tells which of two it is: the compiler is not there to make another.
    let (folder, library) = (try #require(cache.folder), try Data(contentsOf: output))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 3)
    try FileManager.default.removeItem(at: output)
    let again = try compiler.compileLibrary(sources: sources, output: output, cache: cache)
    #expect(again == first)
    #expect(try Data(contentsOf: output) == library)
  }

  @Test(arguments: ["", "5", "x\nlibrary", "-1\nlibrary", "9999\nlibrary"])
  func whatIsNoEntryIsNone(text: String) {
    #expect(BuiltFile(entry: Data(text.utf8)) == nil)
  }

  @Test func rejectedCodeIsMoecsFault() throws {
    try Data("old".utf8).write(to: output)
    let sources = try sources(second: "return WHOLE;")
    let error = #expect(throws: ToolchainError.self) {
      try compiler.compileLibrary(sources: sources, output: output)
    }
    let text = try #require(error?.description)
    #expect(text.contains("bug of moec"))
    #expect(text.contains(scratch.url.path + "/c code"))
    #expect(text.contains("two.c:3:"))
    #expect(text.contains("-std=c11"))
    #expect(outputFiles() == ["keep", "libtwo.so"])
    #expect(try Data(contentsOf: output) == Data("old".utf8))
  }

  @Test func sanitizedLibraryStopsAtAFault() throws {
    guard let runtime = compiler.sanitizerRuntime() else { return }
    let options = CompileOptions(sanitize: true)
    let source = try scratch.write(
      "wild/wild.c", "int one(const int *x);\nint one(const int *x) { return x[1]; }\n")
    try compiler.compileLibrary(sources: [source], output: output, options: options)
    // A program that loads it, as a library of its own would not stop this one.
    let main = try scratch.write(
      "main.c",
      """
      #include <dlfcn.h>
      #include <stdlib.h>
      int main(int count, char **words) {
        void *library = dlopen(words[count - 1], RTLD_NOW);
        int (*one)(const int *) = (int (*)(const int *))dlsym(library, "one");
        return one(malloc(sizeof(int)));
      }

      """)
    let program = scratch.url.appendingPathComponent("main").path
    let built = try Subprocess(
      executable: compiler.path, arguments: ["-o", program, main.path, "-ldl"]
    ).run()
    try #require(built.status == 0, "\(built.output)")
    var run = Subprocess(executable: program, arguments: [output.path])
    run.environment = ["LD_PRELOAD": runtime, "DYLD_INSERT_LIBRARIES": runtime]
    #expect(try run.run().output.contains("heap-buffer-overflow"))
  }

  @Test func missingSanitizerIsSaid() throws {
    let path = try scratch.script("plain-cc", "echo lib.so")
    let plain = CCompiler(path: path, version: "clang", openMPFlags: nil)
    let sources = try sources()
    #expect(throws: ToolchainError.noSanitizer(compiler: path)) {
      try plain.compileLibrary(
        sources: sources, output: output, options: CompileOptions(sanitize: true))
    }
  }

  /// What is full is where the compiler writes, not where the library goes.
  @Test func aFullDiskIsNamedByItsPlace() throws {
    let path = try scratch.script("full-cc", "echo 'a.s: No space left on device' >&2; exit 1")
    let full = CCompiler(path: path, version: "clang", openMPFlags: nil)
    let sources = try sources()
    let error = #expect(throws: ToolchainError.self) {
      try full.compileLibrary(sources: sources, output: output)
    }
    let place = FileManager.default.temporaryDirectory.path
    #expect(error?.description.hasPrefix("error: cannot write \(place): No space left") == true)
    #expect(error?.description.contains("TMPDIR") == true)
  }

  @Test func linkErrorsLeaveNothing() throws {
    let source = try scratch.write("twice/a.c", "int one(void);\nint one(void) { return 1; }\n")
    let other = try scratch.write("twice/b.c", "int one(void);\nint one(void) { return 2; }\n")
    #expect(throws: ToolchainError.self) {
      try compiler.compileLibrary(sources: [source, other], output: output)
    }
    #expect(outputFiles() == ["keep"])
  }

  @Test func unwritableOutputIsSaidAtOnce() throws {
    let sources = try sources()
    let missing = scratch.url.appendingPathComponent("nowhere/lib.so")
    let error = #expect(throws: ToolchainError.self) {
      try compiler.compileLibrary(sources: sources, output: missing)
    }
    #expect(error?.description.contains("there is no folder") == true)
    let folder = #expect(throws: ToolchainError.self) {
      try compiler.compileLibrary(
        sources: sources, output: scratch.url.appendingPathComponent("out"))
    }
    #expect(folder?.description.contains("it is a folder") == true)
  }
}
