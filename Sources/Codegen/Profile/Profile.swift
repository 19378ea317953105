import GraphIR
import Planning

/// Generated files with a look at the clock before and after every kernel call, for `moec bench`.
///
/// The files that a compiled library carries are taken as they are; a line is added above and below
/// each call. What users compile and run has no trace of this.
public struct ProfiledModel: Sendable {
  /// A call in the generated C.
  public struct Site: Hashable, Sendable {
    /// The layer's index in the plan, and the index among its calls of a phase.
    public var layer: Int
    public var phase: Phase
    public var call: Int

    /// The C function that is called.
    public var kernel: String

    /// Where the call stands in the generated file.
    public var file: String
    public var line: Int

    /// The lines of C that it takes.
    public var code: [String]
  }

  /// The calls, each at the number under which the clock reports it.
  public var sites: [Site] = []

  /// The number under which the optimizer's step is reported; nil where it is no call of its own.
  public var updateSite: Int?

  /// Where the optimizer's function begins in adamw.c.
  public var updateLine = 1

  /// All files, and the recorder's.
  public var files: [GeneratedFile]

  /// The names of the C sources.
  public var sources: [String] { files.map(\.path).filter { $0.hasSuffix(".c") } }

  /// Times the calls of `plan` in the files that were generated for it.
  ///
  /// - Throws: `ProfileMismatch` if a call is not where this generator writes it.
  public init(_ plan: Plan, files: [GeneratedFile]) throws(ProfileMismatch) {
    // Sources carry themselves; this variant is nobody's to keep.
    self.files = files.filter { $0.path != SourceArchive.path }
    let context = Context(plan, .init(sourceName: ""))
    for layer in plan.layers.indices { try time(LayerFile(context, layer: layer)) }
    for file in RuntimeFile.needed(by: context.plan) { timeUpdates(file, context) }
    self.files += ProfileRecorder.files
  }
}

/// The C is not what this version of moec generates from its plan.
public struct ProfileMismatch: Error, Equatable {
  public var file: String
}

extension ProfiledModel {
  private mutating func time(_ layer: LayerFile) throws(ProfileMismatch) {
    guard let index = files.firstIndex(where: { $0.path == layer.path }) else {
      throw ProfileMismatch(file: layer.path)
    }
    let statements = layer.statements
    var text = TimedText(files[index].text, generatedAs: statements)
    for (phase, number, lines, call) in statements.calls {
      guard let line = text.time(lines, as: sites.count) else {
        throw ProfileMismatch(file: layer.path)
      }
      sites.append(
        Site(
          layer: layer.index, phase: phase, call: number, kernel: call.function ?? "",
          file: layer.path, line: line, code: call.lines))
    }
    files[index].text = text.result
  }

  /// Times the steps of the optimizer.
  private mutating func timeUpdates(_ file: RuntimeFile, _ context: Context) {
    let statements = file.statements(context)
    let found = statements.sites
    guard !found.isEmpty, let index = files.firstIndex(where: { $0.path == file.path }) else {
      return
    }
    var text = TimedText(files[index].text, generatedAs: statements)
    for (site, lines, _) in found {
      switch site {
      case .update: if text.time(lines, as: sites.count) != nil { updateSite = sites.count }
      case .updateFunction: updateLine = text.line(of: lines) ?? 1
      case .call: break
      }
    }
    files[index].text = text.result
  }
}

extension [Statement] {
  /// A layer's calls in the plan's order: forward, then backward.
  fileprivate var calls: [(phase: Phase, number: Int, lines: Range<Int>, statement: Statement)] {
    let calls = sites.compactMap { site, lines, statement in
      if case .call(let phase, let number) = site { (phase, number, lines, statement) } else { nil }
    }
    return [Phase.forward, .backward].flatMap { phase in
      calls.filter { $0.0 == phase }.sorted { $0.1 < $1.1 }
    }
  }
}
