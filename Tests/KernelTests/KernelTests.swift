import Foundation
import ModelFixtures
import Testing

/// Every kernel against a plain loop in double precision, at sizes around those of vectors and blocks:
/// `checks/main.c`, compiled anew for each instruction set, and with sanitizers, which see what is read
/// beside a tensor.
@Suite("Kernels") struct KernelTests {
  enum InstructionSet: String, CaseIterable, Sendable {
    case plain, avx2, avx512

    /// What C compilers are told; a processor that lacks the instructions says so when it runs.
    var flags: [String] {
      switch self {
      case .plain: []
      case .avx2: ["-mavx2", "-mfma"]
      case .avx512: ["-mavx512f"]
      }
    }

    /// Those of this machine's kind; elsewhere the compiler's own.
    static var here: [InstructionSet] {
      #if arch(x86_64)
        allCases
      #else
        [.plain]
      #endif
    }
  }

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  private static let kernels = folder.deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/CKernels/kernels")

  /// As models are compiled, save for what takes long.
  private static let usual = [
    "-std=c11", "-ffp-contract=on", "-fno-math-errno", "-fno-trapping-math", "-Wall",
    "-Wextra", "-Werror",
  ]
  private static let sanitizers = [
    "-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
  ]

  @Test("are what plain loops are", arguments: InstructionSet.here)
  func plain(set: InstructionSet) throws { try check(["-O1"] + Self.usual + set.flags) }

  @Test("know documents in one row", arguments: InstructionSet.here)
  func documents(set: InstructionSet) throws {
    try check(["-O1", "-DMODEL_TAKES_DOCUMENTS=1"] + Self.usual + set.flags)
  }

  @Test("of documents read and write nothing beside their tensors", arguments: InstructionSet.here)
  func sanitizedDocuments(set: InstructionSet) throws {
    try check(["-DMODEL_TAKES_DOCUMENTS=1"] + Self.usual + Self.sanitizers + set.flags)
  }

  @Test("read and write nothing beside their tensors", arguments: InstructionSet.here)
  func sanitized(set: InstructionSet) throws {
    try check(Self.usual + Self.sanitizers + set.flags)
  }

  private func check(_ flags: [String]) throws {
    let program = try ModelFixture.folder() + "/checks"
    let main = Self.folder.appendingPathComponent("checks/main.c").path
    let arguments = flags + ["-I", Self.kernels.path, main, "-o", program, "-lm"]
    var reasons: [String] = []
    for compiler in ["clang", "gcc"] {
      let built = try Command.run("/usr/bin/env", [compiler] + arguments)
      if built.status == 0 { return try run(program) }
      reasons.append("\(compiler): \(built.errors)")
    }
    Issue.record("no C compiler could compile the checks: \(reasons.joined(separator: "\n"))")
  }

  /// What the program says of a processor that cannot run it.
  private static let lacksInstructions: Int32 = 77

  private func run(_ program: String) throws {
    let checks = try Command.run(program, [])
    if checks.status == Self.lacksInstructions { return }
    let text = "\(checks.output)\(checks.errors)"
    #expect(checks.status == 0, "\(text)")
    let count = checks.output.firstMatch(of: /([0-9]+) comparisons, 0 failed/)?.output.1
    #expect(count.flatMap { Int($0) } ?? 0 > 1_000_000, "\(text)")
  }
}
