import Codegen
import Foundation
import GraphIR
import Planning
import Toolchain

/// A library that nobody keeps, and what it was made from.
public struct ScratchLibrary {
  /// After all passes.
  public var graph: Graph
  public var plan: Plan
  public var code: GeneratedModel
  /// The folder with the C, and nothing else.
  public var folder: URL
  /// The library's path.
  public var path: String
  /// What the C compiler said.
  public var warnings: String
}

extension Compilation {
  /// The way from a traced graph on, all at once, into a folder that will be gone again: its C goes to
  /// `generated` there, and the library beside it.
  public func scratchLibrary(
    of traced: Graph, source: ModelSource? = nil, in folder: URL
  ) throws -> ScratchLibrary {
    try scratchLibrary(
      of: try plan(transformed(traced), source: source), source: source, in: folder)
  }

  /// The same from a plan on.
  ///
  /// - Parameter isJoined: whether the model's own files are compiled as one, which takes a third of
  ///   the time, as headers are read once.
  public func scratchLibrary(
    of plan: Plan, source: ModelSource? = nil, in folder: URL, isJoined: Bool = false
  ) throws -> ScratchLibrary {
    let code = try generate(plan, source: source)
    let joined = code.joined
    let generated = folder.appendingPathComponent("generated")
    let output = folder.appendingPathComponent("model.\(Self.libraryExtension)")
    try GeneratedFolder(generated.path)
      .write(code.files + (isJoined ? [joined.file] : []), isScratch: true)
    let built = try build(
      code, sources: isJoined ? joined.sources : code.sources, in: generated, output: output,
      precompiled: precompiled)
    return ScratchLibrary(
      graph: plan.graph, plan: plan, code: code, folder: generated, path: output.path,
      warnings: built.warnings)
  }
}

extension GeneratedModel {
  /// A file that has all of the model's own in it, and what is to be compiled then: it and the
  /// kernels, which are the same for every model, and kept.
  fileprivate var joined: (file: GeneratedFile, sources: [String]) {
    // Before any system header is read.
    let features = files.filter { $0.path.hasSuffix(".c") && !Self.isKernel($0.path) }
      .flatMap { PrecompiledHeader.features(of: $0.text) }
    var lines = Set(features).sorted() + ["#include \"model.h\""]
    for (index, file) in files.enumerated()
    where file.path.hasSuffix(".c") && !Self.isKernel(file.path) {
      // What a file defines for itself alone gets the file's number, as another may define it too.
      let names = Self.staticFunctions(file.text).sorted()
      let computed = Self.elementwiseFunctions(file.text)
      lines += names.map { name in
        // A field of a struct may have the name of a function that computes it.
        computed.contains(name)
          ? "#define \(name)(...) \(name)_of_\(index)(__VA_ARGS__)"
          : "#define \(name) \(name)_of_\(index)"
      }
      lines.append("#include \"\(file.path)\"")
      lines += names.map { "#undef \($0)" }
    }
    let file = GeneratedFile(path: "whole.c", text: lines.joined(separator: "\n") + "\n")
    return (file, [file.path] + sources.filter(Self.isKernel))
  }

  /// The names of the functions of a C text that only it can see: those that it calls static, and those
  /// that macros of kernels define.
  private static func staticFunctions(_ text: String) -> Set<String> {
    let open = UInt8(ascii: "(")
    let heads = lines(of: text, startingWith: "static ").filter { $0.utf8.contains(open) }
    let named = heads.compactMap {
      $0.utf8.prefix { $0 != open }
        .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "*") }.last
    }
    return Set(named.compactMap { String($0) }).union(defined(in: text, by: ["FINISH("]))
      .union(elementwiseFunctions(text))
  }

  private static func elementwiseFunctions(_ text: String) -> Set<String> {
    defined(in: text, by: ["ELEMENTWISE(", "ELEMENTWISE_ROWS("])
  }

  /// The names that macros of kernels define.
  private static func defined(in text: String, by macros: [String]) -> Set<String> {
    Set(
      macros.flatMap { macro in
        lines(of: text, startingWith: macro).map { line in
          String(line.dropFirst(macro.count).prefix { $0 != "," })
        }
      })
  }

  private static func lines(of text: String, startingWith start: String) -> [Substring] {
    text.utf8.split(separator: UInt8(ascii: "\n")).filter { $0.starts(with: start.utf8) }
      .map(Substring.init)
  }

  private static func isKernel(_ path: String) -> Bool { path.hasPrefix("kernels/") }
}
