import Foundation

/// The file actions of `posix_spawn`, with the two platforms' spellings kept in one place.
final class SpawnActions {
  #if canImport(Darwin)
    private var actions: posix_spawn_file_actions_t?
  #else
    private var actions = posix_spawn_file_actions_t()
  #endif

  init() { posix_spawn_file_actions_init(&actions) }

  func destroy() { posix_spawn_file_actions_destroy(&actions) }

  func openNullInput() {
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
  }

  func move(_ descriptor: Int32, to number: Int32) {
    posix_spawn_file_actions_adddup2(&actions, descriptor, number)
  }

  /// Starts `program`; gives 0 or an `errno`.
  func spawn(
    _ child: inout pid_t, _ program: String, _ words: [UnsafeMutablePointer<CChar>?],
    _ variables: [UnsafeMutablePointer<CChar>?]
  ) -> Int32 {
    posix_spawn(&child, program, &actions, nil, words, variables)
  }
}
