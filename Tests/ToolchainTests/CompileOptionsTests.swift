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
    #expect(error?.description.contains("the targets are native, x86-64,") == true)
  }

  @Test(arguments: [("x86-64-v3", "aarch64"), ("aarch64", "x86_64")])
  func foreignTarget(target: String, machine: String) {
    let error = #expect(throws: ToolchainError.self) { try flag(target, machine) }
    #expect(error?.description.contains("builds for \(machine)") == true)
  }

  @Test func crossTargets() throws {
    func cross(_ target: String, _ machine: String) -> CrossTarget? {
      CrossTarget(CompileOptions(target: target), machine: machine)
    }
    let target = try #require(cross("aarch64", "x86_64"))
    #expect(target.flags(isClang: true) == ["--target=aarch64-linux-gnu"])
    #expect(target.flags(isClang: false) == [])
    for machine in ["aarch64", "arm64"] { #expect(cross("aarch64", machine) == nil) }
    for target in ["native", "x86-64-v3", "apple-m1", "z80"] {
      #expect(cross(target, "x86_64") == nil)
    }
  }

  /// The compiler is told of the target before its instructions are chosen.
  @Test func crossCommandLine() throws {
    let options = CompileOptions(target: "aarch64")
    let target = CrossTarget(options, machine: "x86_64")
    func line(_ path: String, _ version: String) throws(ToolchainError) -> String {
      try CCompiler(path: path, version: version, openMPFlags: nil, crossTarget: target)
        .commandLine(sources: ["a.c"], output: "a.so", options: options)
    }
    #expect(
      try line("clang", "clang version 14")
        .hasPrefix("clang --target=aarch64-linux-gnu -std=c11 -O3 -march=armv8-a "))
    #expect(try line("aarch64-linux-gnu-gcc", "gcc 12").contains("gcc -std=c11 -O3 -march=armv8-a"))
    #expect(try line("clang", "clang version 14").contains(" -shared "))
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
}
