import ArgumentParser
import Charts
import Driver
import Foundation
import Runner
import SystemFiles

extension LossUnit: ExpressibleByArgument {}
extension Figure.Panel: ExpressibleByArgument {}
extension ChartError: ExplainedError {}

/// `moec plot LOG.jsonl… -o FILE`.
struct PlotCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plot",
    abstract: "Draws what training runs logged: losses, learning rate, loads of experts.",
    discussion: """
      Reads what 'moec run --train --log' writes, of one run or of several. The ending of the \
      output says what it becomes: a picture (.svg, .png) or a page that shows values under the \
      pointer (.html).

      EXAMPLES
        moec plot run.jsonl -o run.svg
        moec plot runs -o runs.html
        moec plot a.jsonl b.jsonl --label "8 experts" --label 16 -o runs.html
        moec plot run.jsonl --reference Docs/published-dropless.csv -o run.png
        moec plot run.jsonl --panel losses --panel loads -o loads.svg
        moec plot run.jsonl --watch -o run.html
      """)

  @Argument(
    help: ArgumentHelp("Logs of training runs, or folders of runs.", valueName: "log.jsonl"))
  var logs: [String]

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp(
      "The picture or page to write: .svg, .png or .html. (default with --watch: the first log's "
        + "name with .html)", valueName: "file"))
  var output: String?

  @Flag(
    help: ArgumentHelp(
      "Write it again whenever a log grows, until Ctrl-C; a page loads itself again. A log that is "
        + "not there yet is waited for."))
  var watch = false

  @Option(help: "What is written above all.")
  var title: String?

  @Option(
    help: ArgumentHelp(
      "A name for each log in turn, then for each reference. (default: their file names, of a run its folder's)",
      valueName: "name"))
  var label: [String] = []

  @Option(
    help: ArgumentHelp(
      "A table of step,train,validation lines, drawn as points.", valueName: "file.csv"))
  var reference: [String] = []

  @Option(help: "What losses are measured in: nats per token, or bits per character.")
  var metric = LossUnit.nats

  @Option(help: "What is drawn, repeatable. (default: all that the logs have something for)")
  var panel: [Figure.Panel] = []

  @Flag(help: "A logarithmic axis for losses.")
  var logScale = false

  @Flag(help: "Also print the losses as a Markdown table.")
  var table = false

  /// The logs, of folders those of the runs in them: `moec runs` lists runs by their folders.
  private var files: [String] { logs.flatMap { found(in: $0).drawn } }

  /// A log's first line ends before that: a million bytes of loads would be 100,000 experts.
  private static let longestLine = 1 << 20

  /// The logs that a word stands for, and those of runs in a folder that have no loss yet, as one that began
  /// just now, and are no reason not to draw the others.
  private func found(in path: String) -> (drawn: [String], empty: [String]) {
    let found = RunFolder.all(in: path).map(\.log).filter { access($0, F_OK) == 0 }
    let empty = found.filter { log in
      guard let file = try? InputFile(path: log),
        let start = try? file.bytes(0..<min(file.size, Self.longestLine))
      else { return false }
      return !start.contains(UInt8(ascii: "\n"))
    }
    if empty.count == found.count { return (found.isEmpty ? [path] : found, []) }
    return (found.filter { !empty.contains($0) }, empty)
  }

  /// Errors: a folder has no log of a run.
  private func checkFolders() throws {
    for path in logs where RunFolder.all(in: path).allSatisfy({ access($0.log, F_OK) != 0 }) {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
      else { continue }
      throw CompilationError(
        message: "no run in \(onOneLine(path)) has a log",
        hint: "name a log, or a folder of runs that moec run --train made")
    }
  }

  func validate() throws {
    let names = files.count + reference.count
    guard label.count <= names else {
      throw ValidationError("there are \(label.count) --label for \(names) files")
    }
    if output == nil && !watch {
      throw ValidationError("say what to write, -o FILE.svg, .png or .html, or --watch")
    }
    if watch && table { throw ValidationError("--table does not go with --watch") }
  }

  func run() throws {
    try reportingErrors {
      let output = self.output ?? pageBesideLog
      let format = try PictureFormat(path: output)
      try checkFolders()
      var claims = FileClaims()
      for log in files { claims.read(log, "a log") }
      for file in reference { claims.read(file, "--reference") }
      claims.write(output, "--output", over: format.kind)
      try claims.check()
      try AtomicFile.check(output)
      if watch { return try PlotWatch(logs: { files }).run { try draw(format, to: output, $0) } }
      let figure = try draw(format, to: output, .final)
      if table { try printNow(figure.table) }
      printToStandardError("wrote \(output)")
    }
  }

  private var pageBesideLog: String {
    URL(fileURLWithPath: files[0]).deletingPathExtension().lastPathComponent + ".html"
  }

  @discardableResult
  private func draw(
    _ format: PictureFormat, to output: String, _ drawing: PlotWatch.Drawing
  ) throws -> Figure {
    let figure = try self.figure(saysNotes: drawing == .final)
    let bytes: [UInt8]
    switch format {
    case .svg: bytes = Array(figure.svg().utf8)
    case .html:
      bytes = Array(try figure.page(reload: drawing == .final ? nil : PlotWatch.reload).utf8)
    case .png: bytes = try Rasterizer.png(of: figure.svg())
    }
    let file = try AtomicFile(replacing: output)
    try file.write(bytes)
    try file.commit()
    if drawing == .first { printToStandardError("wrote \(output); Ctrl-C ends") }
    return figure
  }

  private func figure(saysNotes: Bool) throws -> Figure {
    let files = files
    let runs = try files.enumerated().map { index, path in
      try TrainingHistory(label: name(index, path), path: path, data: try contents(of: path))
    }
    // What is left out of a log that is being written is there the next time.
    let notes =
      runs.compactMap(\.note)
      + logs.flatMap { found(in: $0).empty }.map {
        "\(onOneLine($0)) holds no losses, and is left out"
      }
    for note in notes where saysNotes { printToStandardError("note: \(note)") }
    let references = try reference.enumerated().map { index, path in
      try ReferencePoints(
        label: name(files.count + index, path), path: path,
        text: String(decoding: try contents(of: path), as: UTF8.self))
    }
    var options = Figure.Options()
    (options.title, options.panels) = (title, panel)
    (options.unit, options.isLogarithmic) = (metric, logScale)
    return try Figure(runs, references: references, options: options)
  }

  private func name(_ index: Int, _ path: String) -> String {
    if index < label.count { return label[index] }
    let file = URL(fileURLWithPath: path)
    let name = file.deletingPathExtension().lastPathComponent
    // Every run's folder calls its log so; the folder has the run's name.
    let folder = file.deletingLastPathComponent().lastPathComponent
    return name == "log" && folder != "/" && !folder.isEmpty ? folder : name
  }

  private func contents(of path: String) throws -> Data { Data(try TextFile.bytes(path)) }
}

/// What a chart is written as.
enum PictureFormat: String, CaseIterable {
  case svg, png, html

  /// What a picture of this format may take the place of.
  var kind: FileKind {
    switch self {
    case .svg: .drawing
    case .png: .pixels
    case .html: .page
    }
  }

  /// By the ending of a file's name. Errors: another ending, or none.
  init(path: String) throws {
    let ending = (path as NSString).pathExtension.lowercased()
    guard let format = PictureFormat(rawValue: ending) else {
      let known = Self.allCases.map { ".\($0.rawValue)" }.joined(separator: ", ")
      throw CompilationError(
        message: ending.isEmpty
          ? "\(path) has no ending that says what to write" : "no way to write .\(ending): \(path)",
        hint: "name a file that ends in one of \(known)")
    }
    self = format
  }
}
