import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// A model's own files, compiled as one.
@Suite struct JoinedFileTests {
  @Test("Large pages are asked for, as where each file is compiled by itself")
  func pages() throws {
    let model = try CompiledModel(
      MakeMoE("pages") { ($0.B, $0.T, $0.C) = (2, 4, 12) }.graph())
    // What a library calls stands in it by its name.
    let library = try Data(contentsOf: URL(fileURLWithPath: model.library.path))
    #if os(Linux)
      #expect(library.firstRange(of: Data("madvise".utf8)) != nil)
    #endif
  }
}
