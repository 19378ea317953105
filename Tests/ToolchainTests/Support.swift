import Foundation
import Testing

@testable import Toolchain

/// A folder that lives as long as the test that made it.
final class Scratch {
  let url: URL

  init() throws {
    url = URL(fileURLWithPath: SearchPath.resolved(FileManager.default.temporaryDirectory.path))
      .appendingPathComponent("moec-test-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  @discardableResult
  func write(_ name: String, _ text: String) throws -> URL {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try text.write(to: file, atomically: true, encoding: .utf8)
    return file
  }

  /// An executable shell script. Another process writes it: while this one has a file open for
  /// writing, any child that another test starts just then keeps it "busy" for a moment.
  @discardableResult
  func script(_ name: String, _ body: String) throws -> String {
    let draft = try write(name + ".draft", "#!/bin/sh\n" + body + "\n").path
    let path = url.appendingPathComponent(name).path
    let outcome = try Subprocess(
      executable: "/bin/sh",
      arguments: ["-c", "cp \"$1\" \"$2\" && chmod +x \"$2\" && rm \"$1\"", "sh", draft, path]
    ).run()
    try #require(outcome.status == 0, "\(outcome.output)")
    return path
  }

  var files: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
  }
}

/// The C compiler of this machine, found once.
enum Machines {
  static let compiler: Result<CCompilerSearch.Choice, ToolchainError> = {
    do throws(ToolchainError) {
      return .success(try CCompilerSearch(cache: ContentCache(folder: nil)).choose())
    } catch {
      return .failure(error)
    }
  }()

  static func realCompiler() throws -> CCompiler { try compiler.get().compiler }
}
