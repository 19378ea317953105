import Foundation

/// One run of another program: null standard input, output collected, an optional extra pipe.
///
/// Foundation's `Process` cannot hand a further descriptor to the child, so this goes to
/// `posix_spawn` itself. Both pipes are read as they fill, so neither side can block the other. The
/// program ends with moec; see `Watcher`.
public struct Subprocess: Sendable {
  /// What a finished program left.
  public struct Outcome: Equatable, Sendable {
    /// The exit status, or 128 + the signal that ended it.
    public var status: Int32
    /// Standard output and standard error, in the order written.
    public var output: String
    /// What was written to the extra descriptor.
    public var extra: Data
  }

  /// The descriptor number under which the child finds the extra pipe.
  static let extraDescriptor: Int32 = 3

  var executable: String
  var arguments: [String]
  var folder: String? = nil
  var hasExtraPipe = false
  /// Variables set beside those of this process.
  var environment: [String: String] = [:]
  var supervision = Supervision.silent

  init(
    executable: String, arguments: [String], folder: String? = nil,
    supervision: Supervision = .silent
  ) {
    (self.executable, self.arguments, self.folder) = (executable, arguments, folder)
    self.supervision = supervision
  }

  /// A program by its path, or by its name, which is looked for on `PATH`; nil if it is not there.
  public init?(named name: String, arguments: [String], supervision: Supervision = .silent) {
    let isThere = name.contains("/") && access(name, X_OK) == 0
    guard let path = isThere ? name : SearchPath.standard.first(named: name) else { return nil }
    self.init(executable: path, arguments: arguments, supervision: supervision)
  }

  /// The path of the first program on `PATH` that has a name; nil if there is none.
  public static func path(named name: String) -> String? {
    SearchPath.standard.first(named: name)
  }

  /// Runs the program to its end.
  ///
  /// - Throws: `ToolchainError.cannotStart`, `.tookTooLong`.
  public func run() throws(ToolchainError) -> Outcome {
    let output = try Pipe.make(for: executable)
    defer { output.close() }
    let extra = hasExtraPipe ? try Pipe.make(for: executable) : nil
    defer { extra?.close() }
    let watcher = try Watcher(for: executable)
    defer { watcher.dismiss() }
    let child = try spawn(in: watcher.group, output: output, extra: extra)
    output.closeWriteEnd()
    extra?.closeWriteEnd()
    var stopwatch = Stopwatch(supervision)
    let texts = Pipe.readToEnd([output, extra].compactMap { $0 }, &stopwatch)
    let isOver = texts == nil || !Self.hasEnded(child, &stopwatch)
    stopwatch.stop()
    if isOver { watcher.endGroup() }
    let status = Self.wait(for: child)
    guard !isOver, let texts else {
      throw .tookTooLong(program: executable, seconds: supervision.limit ?? 0)
    }
    return Outcome(
      status: status, output: String(decoding: texts[0], as: UTF8.self),
      extra: extra == nil ? Data() : texts[1])
  }

  /// Whether a program that has closed its output ends in time; most have ended by then.
  private static func hasEnded(_ child: pid_t, _ stopwatch: inout Stopwatch) -> Bool {
    var facts = siginfo_t()
    var pause: useconds_t = 50
    while waitid(P_PID, id_t(child), &facts, WEXITED | WNOHANG | WNOWAIT) == 0 || errno == EINTR {
      if facts.si_signo == SIGCHLD { return true }
      if stopwatch.isOver { return false }
      stopwatch.tick()
      usleep(pause)
      pause = min(2 * pause, 20_000)
    }
    return true
  }

  static func wait(for child: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  private func spawn(
    in group: pid_t, output: Pipe, extra: Pipe?
  ) throws(ToolchainError) -> pid_t {
    let actions = SpawnActions(group: group)
    defer { actions.destroy() }
    actions.openNull(0)
    // The extra pipe is moved first: its end may sit on no number that the others go to.
    if let extra { actions.move(extra.writeEnd, to: Self.extraDescriptor) }
    actions.move(output.writeEnd, to: 1)
    actions.move(output.writeEnd, to: 2)
    let (program, words) = commandWords
    return try actions.spawn(program, words, environment: environment)
  }

  /// The program and its words; a shell changes the folder first, because the call that would do
  /// it within `posix_spawn` is not everywhere.
  private var commandWords: (program: String, words: [String]) {
    guard let folder else { return (executable, [executable] + arguments) }
    let script = "cd \"$1\" && shift && exec \"$@\""
    return ("/bin/sh", ["sh", "-c", script, "sh", folder, executable] + arguments)
  }
}
