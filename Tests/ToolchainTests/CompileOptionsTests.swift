import Testing

@testable import Toolchain

@Suite struct CompileOptionsTests {
  private func flag(_ target: String, _ machine: String) throws(ToolchainError) -> String {
    try CompileOptions(target: target).targetFlag(machine: machine)
  }

  @Test func targets() throws {
    #expect(try flag("native", "x86_64") == "-march=native")
    #expect(try flag("native", "arm64") == "-mcpu=native")
    #expect(try flag("x86-64-v3", "x86_64") == "-march=x86-64-v3")
    #expect(try flag("aarch64", "aarch64") == "-march=armv8-a")
    #expect(try flag("apple-m1", "arm64") == "-mcpu=apple-m1")
  }

  @Test(arguments: [("x86-64-v5", "x86_64"), ("", "x86_64"), ("-O0", "x86_64")])
  func unknownTarget(target: String, machine: String) {
    let error = #expect(throws: ToolchainError.self) { try flag(target, machine) }
    #expect(error?.description.contains("there are native, x86-64,") == true)
  }

  @Test(arguments: [("x86-64-v3", "aarch64"), ("aarch64", "x86_64")])
  func foreignTarget(target: String, machine: String) {
    let error = #expect(throws: ToolchainError.self) { try flag(target, machine) }
    #expect(error?.description.contains("builds for \(machine)") == true)
  }

  /// The whole of it: this text is in files that are checked in.
  @Test func portableCommandLine() throws {
    func line(_ options: CompileOptions) throws(ToolchainError) -> String {
      try CCompiler.portableCommandLine(
        sources: ["model.c", "block.c"], output: "libmodel.so", options: options)
    }
    #expect(
      try line(CompileOptions())
        == "clang -std=c11 -O3 -march=native -fopenmp -ffp-contract=on -fno-math-errno "
        + "-fno-trapping-math -fPIC -Wall -Wextra -shared -o libmodel.so model.c block.c -lm")
    #expect(try line(CompileOptions(target: "apple-m1")).contains(" -mcpu=apple-m1 "))
    #expect(throws: ToolchainError.self) { try line(CompileOptions(target: "z80")) }
    let checked = try line(CompileOptions(sanitize: true))
    #expect(checked.contains("-fsanitize=address,undefined"))
    #expect(!checked.contains("-O3"))
  }

  @Test func wordsAreQuotedForAShell() {
    #expect(CCompiler.quoted("a-b_c.so") == "a-b_c.so")
    #expect(CCompiler.quoted("a b") == "'a b'")
    #expect(CCompiler.quoted("it's") == "'it'\\''s'")
    #expect(CCompiler.quoted("") == "''")
  }
}
