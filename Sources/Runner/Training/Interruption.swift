import Foundation

/// Ctrl-C, Ctrl-\, and the system's and its schedulers' requests to end: the first is noted so that work can
/// be finished and saved, a second of Ctrl-C or of the system ends the process at once.
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

  /// What batch systems send some time before they end a job: Slurm's and LSF's warnings, and the
  /// limit on processor time, which comes again every second.
  private static let warnings = [SIGUSR1, SIGUSR2, SIGXCPU]

  /// From now on SIGINT, SIGQUIT, SIGTERM, SIGHUP and the warnings of batch systems are noted instead of ending
  /// the process; where they are ignored already, as `nohup` ignores SIGHUP, that stays so for all
  /// but the first two.
  public static func watch() {
    forget()
    for number in [SIGINT, SIGTERM, SIGQUIT, SIGHUP] + warnings {
      var action = sigaction()
      var old = sigaction()
      sigaction(number, nil, &old)
      if number != SIGINT, number != SIGTERM, isIgnored(old) { continue }
      setHandler(&action)
      sigemptyset(&action.sa_mask)
      // Reading and writing files is not cut short; `poll` is, all the same.
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  private static func isWarning(_ number: Int32) -> Bool {
    number == SIGUSR1 || number == SIGUSR2 || number == SIGXCPU
  }

  private static let handler: @convention(c) (Int32) -> Void = { number in
    let first = Int32(Interruption.noted.pointee)
    // After a warning, the request that follows is still a first one.
    if first == 0 || Interruption.isWarning(first) {
      Interruption.noted.pointee = sig_atomic_t(number)
    } else if !Interruption.isWarning(number) {
      _exit(128 + number)
    }
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
