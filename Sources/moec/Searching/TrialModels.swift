import Codegen
import Driver
import Foundation
import GraphIR
import Planning
import Search
import Toolchain

/// The models of a search's trials: each plan made once, and each library that is needed.
final class TrialModels: @unchecked Sendable {
  private let compilation: Compilation
  private let files: TrialFiles
  private let folder: TemporaryFolder
  private let lock = NSLock()
  // Guarded by the lock.
  private var models: [[String]: TrialModel] = [:]

  init(_ compilation: Compilation, _ files: TrialFiles) throws {
    folder = try TemporaryFolder()
    var own = compilation
    own.precompiled = PrecompiledHeader(in: folder.url.appendingPathComponent("header"))
    (self.compilation, self.files) = (own, files)
  }

  func remove() { folder.remove() }

  /// The model with these words of `--set`.
  subscript(_ settings: [String]) -> TrialModel {
    lock.withLock {
      if let known = models[settings] { return known }
      var own = compilation
      own.settings += settings
      let place = folder.url.appendingPathComponent("\(models.count)")
      let model = TrialModel(own, files, place)
      models[settings] = model
      return model
    }
  }
}

/// One of them.
final class TrialModel: @unchecked Sendable {
  private let compilation: Compilation
  private let files: TrialFiles
  private let folder: URL
  private let lock = NSLock()
  // Guarded by the lock, under which it is compiled too: whoever needs it waits.
  private var planned: Result<(plan: Plan, source: ModelSource), TrialFailure>?
  private var library: Result<String, TrialFailure>?

  init(_ compilation: Compilation, _ files: TrialFiles, _ folder: URL) {
    (self.compilation, self.files, self.folder) = (compilation, files, folder)
  }

  /// Errors: it is none, or no longer the model of this search.
  private func plan() throws -> (plan: Plan, source: ModelSource) {
    if let planned { return try planned.get() }
    let result = Self.attempt {
      let (traced, source) = try self.compilation.trace()
      let plan = try self.compilation.plan(try self.compilation.transformed(traced), source: source)
      return (plan: plan, source: source)
    }
    try files.check()
    planned = result
    return try result.get()
  }

  /// What it is, before it is compiled.
  func cost() throws -> TrialCost {
    lock.lock()
    defer { lock.unlock() }
    let plan = try plan().plan
    let forward = Double(plan.graph.flops(.forward))
    let tokens = Double(plan.graph.batch.size * plan.graph.context.size)
    return TrialCost(
      parameters: plan.parameters.filter { $0.update != .rule }.reduce(0) { $0 + $1.type.count },
      activeParameters: plan.activeParameters, flopsPerToken: forward / tokens,
      flopsPerStep: forward + Double(plan.graph.flops(.backward)), bytes: plan.memory.total,
      routers: plan.routerNames)
  }

  /// The library's path, and the seconds that compiling it took just now.
  func build() throws -> (path: String, seconds: Double) {
    lock.lock()
    defer { lock.unlock() }
    if let library { return (try library.get(), 0) }
    let start = ContinuousClock.now
    let (plan, source) = try plan()
    let result = Self.attempt {
      try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
      return try self.compilation.scratchLibrary(
        of: plan, source: source, in: self.folder, isJoined: true
      ).path
    }
    library = result
    return (try result.get(), (ContinuousClock.now - start) / .seconds(1))
  }

  /// The first line of what goes wrong is the trial's.
  private static func attempt<Value>(
    _ work: () throws -> Value
  ) -> Result<Value, TrialFailure> {
    do {
      return .success(try work())
    } catch {
      let line = "\(error)".split(separator: "\n").first { $0.contains("error: ") }
      return .failure(TrialFailure(onOneLine(line.map(String.init) ?? "\(error)")))
    }
  }
}
