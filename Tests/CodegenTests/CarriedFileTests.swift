import CKernels
import Foundation
import ModelFixtures
import Testing

@testable import Codegen

/// The C that moec carries is what stands in the files of `CKernels`, all of them.
@Suite struct CarriedFileTests {
  private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
  }

  @Test("Kernels are the files of their folder: none is left out, none is of an earlier build")
  func kernels() throws {
    let carried = KernelFile.all.flatMap(\.files)
    let folder = Self.sources.appendingPathComponent("CKernels/kernels").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(carried.map(\.path).sorted() == names.map { "kernels/\($0)" }.sorted())
    for file in carried {
      #expect(try file.text == Self.text("CKernels/\(file.path)"), "\(file.path)")
    }
  }

  @Test("What a kernel includes is a kernel, and comes along with it")
  func includes() throws {
    let names = Set(KernelFile.all.map(\.name))
    for kernel in KernelFile.all {
      #expect(names.isSuperset(of: kernel.needs), "\(kernel.name)")
      let files = KernelFile.needed(by: [kernel.name])
      #expect(Set(files.map(\.name)).isSuperset(of: kernel.needs), "\(kernel.name)")
    }
    let product = try #require(KernelFile.all.first { $0.name == "product" })
    #expect(product.needs == ["adamw", "shares"])
    #expect(product.files.map(\.path) == ["kernels/product.h", "kernels/product.c"])
  }

  @Test("The interface is CModelABI's header, without functions that other libraries have")
  func interface() throws {
    let header = try Self.text("CModelABI/include/moec_model.h")
    #expect(String(cString: moec_model_h()) == header)
    #expect(header.contains("moec_documents"))
    let plain = RuntimeText(conditions: [], words: [:]).resolved(moec_model_h())
    #expect(!plain.contains("moec_documents") && !plain.contains("MODEL_TAKES"))
    #expect(plain.contains("int moec_terms("))
  }
}
