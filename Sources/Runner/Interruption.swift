import Foundation

/// Ctrl-C, and the system's own requests to end: the first is noted so that work can be finished
/// and saved, the second ends the process at once.
public enum Interruption {
  /// Written by the handler, which may touch nothing else that Swift owns.
  nonisolated(unsafe) private static let noted = {
    let noted = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)
    noted.initialize(to: 0)
    return noted
  }()

  /// The signal that asked to stop, if one did.
  public static var signal: Int32? { noted.pointee == 0 ? nil : Int32(noted.pointee) }

  /// Forgets the signal: the next one is again a first.
  public static func forget() { noted.pointee = 0 }

  /// From now on SIGINT, SIGTERM and SIGHUP are noted instead of ending the process; SIGHUP only
  /// where it is not ignored already, as `nohup` does.
  public static func watch() {
    forget()
    for number in [SIGINT, SIGTERM, SIGHUP] {
      var action = sigaction()
      var old = sigaction()
      sigaction(number, nil, &old)
      if number == SIGHUP, isIgnored(old) { continue }
      setHandler(&action)
      sigemptyset(&action.sa_mask)
      // Reading and writing files is not cut short; `poll` is, all the same.
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  private static let handler: @convention(c) (Int32) -> Void = { number in
    if Interruption.noted.pointee != 0 { _exit(128 + number) }
    Interruption.noted.pointee = sig_atomic_t(number)
  }

  private static func setHandler(_ action: inout sigaction) {
    #if canImport(Darwin)
      action.__sigaction_u.__sa_handler = handler
    #else
      action.__sigaction_handler.sa_handler = handler
    #endif
  }

  private static func isIgnored(_ action: sigaction) -> Bool {
    #if canImport(Darwin)
      let old = action.__sigaction_u.__sa_handler
    #else
      let old = action.__sigaction_handler.sa_handler
    #endif
    return unsafeBitCast(old, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
