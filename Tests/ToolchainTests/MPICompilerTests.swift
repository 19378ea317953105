import Foundation
import Testing

@testable import Toolchain

/// Which `mpicc` is taken, and what it is asked to do.
@Suite struct MPICompilerTests {
  private let scratch: Scratch

  init() throws { scratch = try Scratch() }

  /// The one that is found where `PATH` leads to two folders, and the launcher is in a third.
  private func found(
    _ family: String?, isBeside: Bool = false, named: String? = nil
  ) throws -> String {
    let folder = scratch.url.path
    var environment = ["PATH": "\(folder)/first:\(folder)/second"]
    environment["MOEC_MPICC"] = named
    let beside = isBeside ? "\(folder)/beside" : nil
    let path = try MPICompiler.find(family: family, beside: beside, environment: environment).path
    return String(path.dropFirst(folder.count + 1))
  }

  @Test("The one that is named, then the launcher's, then the first on PATH")
  func order() throws {
    #expect(throws: ToolchainError.noMPICompiler) { try found("mpich") }
    try scratch.script("second/mpicc", "exit 0")
    #expect(try found("mpich") == "second/mpicc")
    try scratch.script("second/mpicc.mpich", "exit 0")
    #expect(try found("mpich") == "second/mpicc.mpich")
    #expect(try found("openmpi") == "second/mpicc" && found(nil) == "second/mpicc")
    try scratch.script("first/mpicc", "exit 0")
    #expect(try found("mpich") == "second/mpicc.mpich" && found(nil) == "first/mpicc")
    try scratch.script("beside/mpicc", "exit 0")
    #expect(try found("mpich") == "second/mpicc.mpich")
    #expect(try found("mpich", isBeside: true) == "beside/mpicc")
    #expect(try found("mpich", isBeside: true, named: "") == "beside/mpicc")
    #expect(try found("mpich", isBeside: true, named: "mpicc") == "first/mpicc")
    let path = scratch.url.appendingPathComponent("second/mpicc").path
    #expect(try found("mpich", isBeside: true, named: path) == "second/mpicc")
    #expect(throws: ToolchainError.unusableMPICompiler(path: "no-mpicc", reason: "no such program"))
    {
      try found(nil, named: "no-mpicc")
    }
  }

  /// A compiler that notes each library that it is asked for, and then does the rest.
  private func compiler(_ rest: String) throws -> MPICompiler {
    let log = scratch.url.appendingPathComponent("log").path
    let script = """
      case "$*" in
        -show) echo "cc -lmpi";;
        -E*) cat "$3";;
        --version) echo "cc 1.0";;
        *) echo "$*" >> '\(log)'
           \(rest)
      esac
      """
    return MPICompiler(path: try scratch.script("mpicc-\(UUID().uuidString)", script))
  }

  private func linked() -> Int {
    let log = scratch.url.appendingPathComponent("log").path
    let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").count
  }

  @Test("An equal text with an equal MPI is compiled once, another text anew")
  func cached() throws {
    let mpicc = try compiler("shift $(($# - 2)); cp \"$2\" \"$1\"")
    let cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    func library(_ text: String) throws -> String {
      try mpicc.withLibrary(of: [("a.c", text), ("a.h", "")], cache: cache) { path in
        #expect(FileManager.default.fileExists(atPath: path))
        return try String(contentsOfFile: path, encoding: .utf8)
      }
    }
    #expect(try library("one") == "one" && library("one") == "one")
    #expect(linked() == 1)
    #expect(try library("two") == "two" && library("one") == "one")
    #expect(linked() == 2)
  }

  @Test("What it refuses is one line, and nothing is kept")
  func refused() throws {
    let mpicc = try compiler("echo 'a.c:1: note: x'; echo 'a.c:2: fatal error: no mpi.h'; exit 1")
    let cache = ContentCache(folder: scratch.url.appendingPathComponent("cache"))
    let error = ToolchainError.unusableMPICompiler(
      path: mpicc.path, reason: "a.c:2: fatal error: no mpi.h")
    #expect(throws: error) { try mpicc.withLibrary(of: [("a.c", "")], cache: cache) { _ in } }
    let framed = try compiler("echo -----; echo 'no gcc here'; echo 'Or so.'; echo -----; exit 1")
    #expect(
      throws: ToolchainError.unusableMPICompiler(path: framed.path, reason: "no gcc here")
    ) { try framed.withLibrary(of: [("a.c", "")], cache: cache) { _ in } }
    #expect(!scratch.files.contains("cache"))
  }
}
