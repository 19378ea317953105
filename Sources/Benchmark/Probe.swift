import Codegen
import Driver
import Foundation
import Toolchain

/// What a machine can do at most, in GFLOP/s and GB/s.
public struct MachineRates: Sendable, Hashable, Codable {
  /// Multiply-adds in registers, 2 FLOP each.
  public var peak: Double
  /// Reading 256 MB again and again.
  public var memory: Double
  /// Reading 4 MB again and again.
  public var cache: Double
  /// AdamW over as many parameters as the model has, 28 bytes each.
  public var sweep: Double
}

/// Measures the machine with a C library of its own, compiled for the same target and threads.
final class Probe {
  private typealias Function = @convention(c) (Int32, Int64, Int32) -> Double
  private typealias Peak = @convention(c) (Int32, Int32) -> Double

  /// What each look at the machine found.
  private(set) var rates: [MachineRates] = []
  private let peak: Peak
  private let read: Function
  private let sweep: Function
  private let threads: Int32
  private let parameters: Int64

  /// Compiles and loads the probe.
  init(_ scratch: ScratchFolder, threads: Int, parameters: Int) throws {
    let library = try scratch.library(
      "moec_probe", files: [.init(path: ProbeSource.name, text: ProbeSource.text)], sources: [ProbeSource.name])
    let handle = try LoadedLibrary(path: library)
    peak = unsafeBitCast(try handle.function("moec_probe_peak"), to: Peak.self)
    read = unsafeBitCast(try handle.function("moec_probe_read"), to: Function.self)
    sweep = unsafeBitCast(try handle.function("moec_probe_sweep"), to: Function.self)
    self.threads = Int32(threads)
    self.parameters = Int64(max(parameters, 1))
  }

  /// One look at the machine, some tenths of a second.
  func look() throws {
    let found = MachineRates(
      peak: peak(threads, 40), memory: read(threads, 256 << 20, 4),
      cache: read(threads, 4 << 20, 200), sweep: sweep(threads, parameters, 4))
    guard found.peak > 0, found.memory > 0, found.cache > 0, found.sweep > 0 else {
      throw BenchmarkError.noMemory
    }
    rates.append(found)
  }

  /// The best of all looks: other work only ever makes a machine slower than it is.
  var best: MachineRates {
    func best(_ rate: (MachineRates) -> Double) -> Double { rates.map(rate).max() ?? 0 }
    return MachineRates(
      peak: best(\.peak), memory: best(\.memory), cache: best(\.cache), sweep: best(\.sweep))
  }
}

/// Compiles what a benchmark needs, in a folder that is gone afterwards.
struct ScratchFolder {
  let folder: URL
  let compiler: CCompiler
  let options: CompileOptions
  let cache: ContentCache

  /// Writes the files into a folder of their own and compiles the sources among them.
  func library(
    _ name: String, files: [GeneratedFile], sources: [String]
  ) throws -> String {
    let place = folder.appendingPathComponent(name)
    try GeneratedFolder(place.path).write(files, isScratch: true)
    let output = folder.appendingPathComponent("lib\(name).so")
    let carried = files.filter { !$0.isC }.map { place.appendingPathComponent($0.path) }
    try compiler.compileLibrary(
      sources: sources.map { place.appendingPathComponent($0) }, otherInputs: carried,
      output: output, options: options, cache: cache)
    return output.path
  }
}

/// A library of which functions are asked by name; it stays loaded, as its threads may.
struct LoadedLibrary {
  private let handle: UnsafeMutableRawPointer
  private let path: String

  init(path: String) throws {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0) } ?? "the loader does not say why"
      throw BenchmarkError.cannotLoad(reason: reason)
    }
    self.handle = handle
    self.path = path
  }

  func function(_ name: String) throws -> UnsafeMutableRawPointer {
    guard let symbol = dlsym(handle, name) else {
      throw BenchmarkError.cannotLoad(reason: "\(path) lacks \(name)")
    }
    return symbol
  }
}

extension [Double] {
  /// The middle one, or the mean of the middle two; 0 of none.
  var median: Double {
    if isEmpty { return 0 }
    let ordered = sorted()
    return (ordered[(count - 1) / 2] + ordered[count / 2]) / 2
  }
}
