import Codegen
import Foundation
import GraphIR
import ModelRuntime
import Planning
import Toolchain

/// A library to be measured: its model, its plan, and the places of its kernel calls.
struct MeasuredLibrary {
  let path: String
  let library: ModelLibrary
  let plan: Plan
  let profiled: ProfiledModel

  /// Reads the library and the sources that it carries.
  init(path: String) throws {
    self.path = path
    library = try ModelLibrary(path: path)
    let carried = try CarriedPlan(library: path)
    plan = carried.plan
    if plan.sharesExperts {
      throw BenchmarkError.sharesExperts(library: path, among: plan.expertRanks)
    }
    let files = carried.sources.files.map { GeneratedFile(path: $0.path, text: $0.text) }
    do {
      profiled = try ProfiledModel(plan, files: files)
    } catch {
      throw BenchmarkError.otherVersion(library: path, file: error.file)
    }
  }

  /// What the library was compiled for, as its manifest's compiler line says.
  var target: String {
    let words = (library.manifest.compiler ?? "").split(separator: " ")
    let flags = words.compactMap { word in
      ["-march=", "-mcpu="].first(where: word.hasPrefix).map { String(word.dropFirst($0.count)) }
    }
    guard let flag = flags.first else { return "native" }
    if flag == "armv8-a" { return "aarch64" }
    return CompileOptions.targets.contains(flag) ? flag : "native"
  }
}

/// A variant of the library that tells when each kernel call began and ended.
final class ProfiledLibrary {
  private typealias Record = @convention(c) (UnsafeMutablePointer<Int64>?, Int64) -> Void
  private typealias Count = @convention(c) () -> Int64

  let model: Model
  private let record: Record
  private let count: Count
  private var numbers: [Int64]

  init(_ subject: MeasuredLibrary, _ scratch: ScratchFolder) throws {
    let path = try scratch.library(
      "moec_profiled", files: subject.profiled.files, sources: subject.profiled.sources)
    model = try Model(try ModelLibrary(path: path))
    let functions = try LoadedLibrary(path: path)
    record = unsafeBitCast(try functions.function("moec_profile_record"), to: Record.self)
    count = unsafeBitCast(try functions.function("moec_profile_count"), to: Count.self)
    let calls = subject.plan.uses.reduce(1) { sum, use in
      let layer = subject.plan.layers[use.layer]
      return sum + layer.forward.count + layer.backward.count
    }
    numbers = Array(repeating: 0, count: 3 * 2 * calls)
  }

  /// The calls that the model makes while `work` runs, in order.
  func events(during work: () throws -> Void) rethrows -> [ProfileEvent] {
    let recorded = try numbers.withUnsafeMutableBufferPointer { buffer in
      record(buffer.baseAddress, Int64(buffer.count / 3))
      defer { record(nil, 0) }
      try work()
      return Int(min(count(), Int64(buffer.count / 3)))
    }
    return (0..<recorded).map { index in
      ProfileEvent(
        site: Int(numbers[3 * index]), begin: numbers[3 * index + 1], end: numbers[3 * index + 2])
    }
  }
}

/// One kernel call, as the recorder's C struct has it: times in nanoseconds.
struct ProfileEvent: Hashable {
  var site: Int
  var begin: Int64
  var end: Int64

  var seconds: Double { Double(end - begin) * 1e-9 }
}
