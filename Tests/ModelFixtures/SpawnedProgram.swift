import Foundation

/// A program that runs beside this one, in a process group of its own.
///
/// Of Foundation's `Process`es that several threads start, one is now and then never told that it has ended, and whoever
/// waits for it waits for ever.
final class SpawnedProgram: @unchecked Sendable {
  let identifier: pid_t
  private let lock = NSLock()
  private var status: Int32?  // as waitpid tells it; guarded by the lock

  /// - Parameters:
  ///   - input: a descriptor to read from; nil: there is nothing.
  ///   - outputs: the files that its output and its errors go to, which are there.
  init(
    _ program: String, _ arguments: [String], in folder: String?, environment: [String: String],
    input: Int32?, outputs: [String]
  ) throws {
    // The shell becomes the program; the call that would change the folder is not everywhere.
    let words =
      folder.map { ["/bin/sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", $0, program] }
      ?? [program]
    guard access(program, X_OK) == 0 else {
      throw FixtureError(text: "\(program) is no program")
    }
    let actions = FileActions()
    defer { actions.destroy() }
    if let input { actions.move(input, to: 0) } else { actions.open("/dev/null", O_RDONLY, as: 0) }
    for (number, path) in outputs.enumerated() {
      actions.open(path, O_WRONLY, as: Int32(1 + number))
    }
    identifier = try actions.spawn(words + arguments, environment.map { "\($0.key)=\($0.value)" })
  }

  var isRunning: Bool {
    lock.withLock {
      if status == nil {
        var found: Int32 = 0
        let ended = waitpid(identifier, &found, WNOHANG)
        if ended == identifier || ended < 0 && errno != EINTR { status = found }
      }
      return status == nil
    }
  }

  /// Waits for its end: its exit code, or the signal that ended it.
  func end() -> (status: Int32, isKilled: Bool) {
    var facts = siginfo_t()
    while isRunning,
      waitid(P_PID, id_t(identifier), &facts, WEXITED | WNOWAIT) == 0 || errno == EINTR
    {}
    let found = lock.withLock { status ?? 0 }
    let signal = found & 0x7f
    return signal == 0 ? (found >> 8 & 0xff, false) : (signal, true)
  }
}

/// What is done between the fork and the program.
private final class FileActions {
  #if canImport(Darwin)
    private var actions: posix_spawn_file_actions_t?
    private var attributes: posix_spawnattr_t?
  #else
    private var actions = posix_spawn_file_actions_t()
    private var attributes = posix_spawnattr_t()
  #endif

  init() {
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
  }

  func destroy() {
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }

  func open(_ path: String, _ mode: Int32, as number: Int32) {
    posix_spawn_file_actions_addopen(&actions, number, path, mode, 0)
  }

  func move(_ descriptor: Int32, to number: Int32) {
    posix_spawn_file_actions_adddup2(&actions, descriptor, number)
  }

  func spawn(_ words: [String], _ variables: [String]) throws -> pid_t {
    let texts = [words, variables].map { $0.map { strdup($0) } + [nil] }
    defer { texts.joined().forEach { free($0) } }
    var child: pid_t = 0
    // A program that was written a moment ago is busy while a child of another thread still holds it open.
    for attempt in 0..<100 {
      let code = posix_spawn(&child, words[0], &actions, &attributes, texts[0], texts[1])
      if code == 0 { return child }
      if code != ETXTBSY || attempt == 99 {
        throw FixtureError(text: "\(words[0]): \(String(cString: strerror(code)))")
      }
      usleep(10_000)
    }
    return child
  }
}
