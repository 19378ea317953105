import Testing

@testable import Toolchain

/// What a person reads when something around the compilers goes wrong.
@Suite struct ErrorTextTests {
  @Test(
    "An error is a line, and a hint says what to do",
    arguments: [
      ToolchainError.noCCompiler(tried: ["clang"]), .unusableCCompiler(path: "p", reason: "r"),
      .unsupportedTarget(name: "n", reason: "r", hint: "h"), .noSanitizer(compiler: "clang"),
      .noMPICompiler, .unusableMPICompiler(path: "p", reason: "r"),
      .modelNotFound(path: "m"), .modelIsNoSwiftFile(path: "m", reason: "is no Swift file"),
      .folderIsNoModel(path: "m", reason: "is a folder", hint: "name a file"),
      .noSwiftCompiler, .modulesNotFound(folder: "f", missing: "m"),
      .modelFailed(path: "m", status: 3, messages: ""), .modelIsEmpty(path: "m", messages: ""),
      .modelTookTooLong(path: "m", seconds: 2), .tookTooLong(program: "p", seconds: 2),
      .killed(program: "p", signal: 9), .cannotStart(program: "p", code: 2),
      .cannotWrite(path: "p", reason: "r", hint: "h"),
    ])
  func isALineAndAHint(error: ToolchainError) {
    let lines = error.description.split(separator: "\n")
    #expect(lines.count == 2, "\(error)")
    #expect(lines.first?.hasPrefix("error: ") == true && lines.last?.hasPrefix("hint: ") == true)
  }
}
