import Foundation
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// Libraries with checks, whose runtime ends a process that it was not loaded before.
@Suite struct SanitizedLibraryTests {
  /// The small model with gcc's checks; nil where there are none.
  private static let library: String? = {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    let header = tests.deletingLastPathComponent().appendingPathComponent(
      "Sources/CModelABI/include")
    guard let folder = try? ModelFixture.folder() else { return nil }
    let result = try? Command.run(
      "/usr/bin/env",
      [
        "gcc", "-std=c11", "-O1", "-fPIC", "-shared", "-fsanitize=address,undefined", "-I",
        header.path, tests.appendingPathComponent("ModelFixtures/bigram.c").path, "-o",
        folder + "/libchecked.so", "-lm",
      ])
    #if os(Linux)
      return result?.status == 0 ? folder + "/libchecked.so" : nil
    #else
      return nil
    #endif
  }()

  @Test(.enabled(if: library != nil, "no gcc with the sanitizers' runtime here"))
  func runsThem() throws {
    let library = try #require(Self.library)
    let arguments = [
      "run", library, "--generate", "--data", try fileWith(sampleText()), "--tokens", "9",
    ]
    let result = try Command.moec(arguments)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.count == 10)
    // Begun anew once and no more: where the runtime is not found, it is named.
    let again = try Command.shell(#"MOEC_PRELOADED=1 "$0" "$@""#, arguments)
    #expect(again.status == 1)
    #expect(again.errors.contains("was compiled with --sanitize: libasan.so"))
    #expect(again.errors.contains("LD_PRELOAD=libasan.so"))
  }

  @Test(.enabled(if: library != nil, "no gcc with the sanitizers' runtime here"))
  func otherProgramsAreTold() throws {
    let library = try #require(Self.library)
    let error = #expect(throws: LibraryError.self) { try ModelLibrary(path: library) }
    guard case .needsSanitizer(_, let runtime) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(runtime.hasPrefix("libasan.so"))
  }
}
