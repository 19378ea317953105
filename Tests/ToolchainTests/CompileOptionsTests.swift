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

  @Test func portableCommandLine() throws {
    var options = CompileOptions()
    let line = try CCompiler.portable.commandLine(
      sources: ["model.c", "block.c"], output: "libmodel.so", options: options)
    #expect(line.hasPrefix("clang -std=c11 -O3 -m"))
    #expect(line.hasSuffix(" -o libmodel.so model.c block.c -lm"))
    #expect(line.contains(" -fopenmp "))
    #expect(!line.contains("fast-math"))
    options.sanitize = true
    let checked = try CCompiler.portable.commandLine(
      sources: ["model.c"], output: "libmodel.so", options: options)
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
