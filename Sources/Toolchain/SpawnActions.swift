import Foundation

/// What `posix_spawn` does between the fork and the program: file actions, the process group, and
/// signals as a program expects them, all of them open and with their usual effect, whatever the
/// thread that starts it has blocked. The two platforms' spellings are kept in this one place.
package final class SpawnActions {
  #if canImport(Darwin)
    private var actions: posix_spawn_file_actions_t?
    private var attributes: posix_spawnattr_t?
  #else
    private var actions = posix_spawn_file_actions_t()
    private var attributes = posix_spawnattr_t()
  #endif

  /// Held while a child starts, and while descriptors are made that no child may inherit.
  static let lock = NSLock()

  /// - Parameter group: the process group to join; 0: one of its own.
  package init(group: pid_t) {
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, group)
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP
    posix_spawnattr_setflags(&attributes, Int16(flags))
  }

  package func destroy() {
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }

  func openNull(_ number: Int32) { open("/dev/null", O_RDWR, as: number) }

  package func open(_ path: String, _ mode: Int32, as number: Int32) {
    posix_spawn_file_actions_addopen(&actions, number, path, mode, 0)
  }

  package func move(_ descriptor: Int32, to number: Int32) {
    posix_spawn_file_actions_adddup2(&actions, descriptor, number)
  }

  /// Starts a program.
  ///
  /// A file that was written a moment ago is "busy" while a child that another thread has just
  /// started still holds it open for writing: that passes.
  package func spawn(
    _ program: String, _ words: [String], environment: [String: String]
  ) throws(ToolchainError) -> pid_t {
    let variables = ProcessInfo.processInfo.environment
      .merging(environment) { _, new in new }.map { "\($0.key)=\($0.value)" }
    var child: pid_t = 0
    var code: Int32 = 0
    for attempt in 0..<100 {
      code = Self.withCStrings(words) { words in
        Self.withCStrings(variables) {
          start(&child, program, words, $0)
        }
      }
      guard code == ETXTBSY, attempt < 99 else { break }
      usleep(10_000)
    }
    if code == 0 { return child }
    throw .cannotStart(program: program, code: code)
  }

  private func start(
    _ child: inout pid_t, _ program: String, _ words: [UnsafeMutablePointer<CChar>?],
    _ variables: [UnsafeMutablePointer<CChar>?]
  ) -> Int32 {
    Self.lock.withLock { posix_spawn(&child, program, &actions, &attributes, words, variables) }
  }

  private static func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
  ) -> Result {
    let words: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { words.forEach { free($0) } }
    return body(words + [nil])
  }
}
