import Foundation
import SystemFiles

/// Everything that can go wrong around the compilers, each with a message fit for the user.
public enum ToolchainError: Error, Equatable, Sendable {
  /// None of the C compilers that were looked for is there, or none works.
  case noCCompiler(tried: [String])
  /// The compiler given by the user does not exist or cannot build a shared library.
  case unusableCCompiler(path: String, reason: String)
  /// `--target` names nothing that this machine's compiler can build for.
  case unsupportedTarget(name: String, reason: String, hint: String)
  /// `--sanitize` with a compiler whose runtime for it is not installed.
  case noSanitizer(compiler: String)
  /// No `mpicc` beside the program that started the ranks, or on `PATH`.
  case noMPICompiler
  /// SimGrid's `smpicc` and `smpirun` are not on `PATH`.
  case noSimulator
  /// SimGrid did not run an update to its end.
  case simulationFailed(reason: String)
  /// The `mpicc` that was found or named does not compile what reaches MPI.
  case unusableMPICompiler(path: String, reason: String)
  /// The C compiler rejected generated code: a bug of moec, never of the user.
  case generatedCodeRejected(folder: String, commandLine: String, diagnostics: String)
  /// The model's file does not exist or cannot be read.
  case modelNotFound(path: String)
  /// The model's path names something else than a Swift file or a folder.
  case modelIsNoSwiftFile(path: String, reason: String)
  /// A folder from which no model can be taken.
  case folderIsNoModel(path: String, reason: String, hint: String)
  /// No `swiftc` on `PATH`.
  case noSwiftCompiler
  /// The modules that a model imports are not beside moec's executable.
  case modulesNotFound(folder: String, missing: String)
  /// swiftc rejected the model; its diagnostics name the user's own lines.
  case modelRejected(path: String, diagnostics: String)
  /// The model was compiled, ran, and failed; its messages name the user's own lines.
  case modelFailed(path: String, status: Int32, messages: String)
  /// A signal ended the model's program; the place is the model's own line, if it is known.
  case modelCrashed(path: String, place: String?, reason: String, hint: String, messages: String)
  /// The model ran without an error and described no language model.
  case modelIsEmpty(path: String, messages: String)
  /// The model was still running when its time was over.
  case modelTookTooLong(path: String, seconds: Double)
  /// A program was still running when its time was over.
  case tookTooLong(program: String, seconds: Double)
  /// Somebody, or the system, ended a program.
  case killed(program: String, signal: Int32)
  /// A program could not be started.
  case cannotStart(program: String, code: Int32)
  /// A file or folder could not be written.
  case cannotWrite(path: String, reason: String, hint: String)
}

extension ToolchainError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noCCompiler(let tried):
      """
      error: no working C compiler found (tried \(tried.joined(separator: ", ")))
      hint: install clang or gcc, or name one with --cc PATH
      """
    case .unusableCCompiler(let path, let reason):
      """
      error: --cc \(path): \(reason)
      hint: name a C compiler such as clang or gcc, or leave --cc out
      """
    case .unsupportedTarget(let name, let reason, let hint):
      "error: --target \(name): \(reason)\nhint: \(hint)"
    case .noSanitizer(let compiler):
      """
      error: --sanitize: \(compiler) has no address sanitizer installed
      hint: install \
      libclang-rt-14-dev (or that of its version) for clang, or use --cc gcc, which brings its own
      """
    case .noMPICompiler:
      """
      error: mpicc is not on PATH, and ranks under MPI need it once to compile the way to it
      hint: 'apt-get install libopenmpi-dev openmpi-bin' or 'apt-get install libmpich-dev mpich', \
      whichever mpirun is of, or name one: MOEC_MPICC=/path/to/mpicc
      """
    case .noSimulator:
      """
      error: there is no smpicc and smpirun, which simulate a cluster
      hint: install SimGrid: sudo apt-get install libsimgrid-dev
      """
    case .simulationFailed(let reason):
      """
      error: SimGrid did not run the update to its end: \(reason)
      hint: --platform must be one of SimGrid's, with a host for each rank
      """
    case .unusableMPICompiler(let path, let reason):
      """
      error: \(path): \(reason)
      hint: name the mpicc of the MPI that mpirun is of: MOEC_MPICC=/path/to/mpicc
      """
    case .generatedCodeRejected(let folder, let commandLine, let diagnostics):
      """
      error: the C compiler rejected generated code: this is a bug of moec, not of the model. \
      Please report it with the files kept in \(folder) and this:
      \(commandLine)
      \(diagnostics)
      """
    case .modelNotFound(let path):
      """
      error: \(path.isEmpty ? "\"\"" : path): no such file, or it cannot be read
      hint: name a Swift file that imports MoE, such as Examples/makemoe.swift
      """
    case .modelIsNoSwiftFile(let path, let reason):
      """
      error: \(path) \(reason)
      hint: name a Swift file that imports MoE, such as Examples/makemoe.swift
      """
    case .folderIsNoModel(let path, let reason, let hint):
      "error: \(path) \(reason)\nhint: \(hint)"
    case .noSwiftCompiler:
      """
      error: swiftc is not on PATH, and models are Swift programs
      hint: install Swift 6, see https://www.swift.org/install, or add the folder of its programs \
      to PATH
      """
    case .modulesNotFound(let folder, let missing):
      """
      error: \(folder) has no \(missing): models are compiled against modules beside moec, which a \
      copied or moved moec lacks
      hint: link to the installed or built moec instead of copying it, or run \
      './install.sh --prefix DIR' in a clone of moec
      """
    case .modelRejected(_, let diagnostics):
      diagnostics
    case .modelFailed(let path, let status, let messages):
      messages.isEmpty
        ? "error: \(path): the model ended with status \(status)\n"
          + "hint: let its top level end with LanguageModel(…) { … } and call no exit()" : messages
    case .modelCrashed(let path, let place, let reason, let hint, let messages):
      Self.joined(
        messages,
        (place.map { "\($0): error: " } ?? "error: \(path): ")
          + "the model crashed: \(reason)\nhint: \(hint)")
    case .modelIsEmpty(let path, let messages):
      Self.joined(
        messages,
        "error: \(path): describes no model\nhint: end it with LanguageModel(…) { text in … }")
    case .modelTookTooLong(let path, let seconds):
      """
      error: \(path): the model's program was still running after \(Self.inWords(seconds)), and \
      was ended
      hint: look for a loop that does not end, or give it longer with --time-limit SECONDS
      """
    case .tookTooLong(let program, let seconds):
      """
      error: \(program) was still running after \(Self.inWords(seconds)), and was ended
      hint: give it longer with --time-limit SECONDS
      """
    case .killed(let program, let signal):
      """
      error: \(program) was killed: \(String(cString: strsignal(signal)))
      hint: look whether memory or processor time ran out, of the machine, a job or 'ulimit'
      """
    case .cannotStart(let program, let code):
      """
      error: cannot start \(program): \(SystemError.text(of: code))
      hint: \(Self.hint(forStarting: code))
      """
    case .cannotWrite(let path, let reason, let hint):
      "error: cannot write \(path): \(reason)\nhint: \(hint)"
    }
  }

  /// Errors: a compiler ended with the status of a signal that others send, not of its own fault.
  static func checkForKill(_ program: String, status: Int32) throws(ToolchainError) {
    for signal in [SIGKILL, SIGXCPU, SIGTERM] where status == 128 + signal {
      throw .killed(program: program, signal: signal)
    }
  }

  private static func hint(forStarting code: Int32) -> String {
    switch code {
    case EMFILE, ENFILE: return SystemError.hint(for: code)
    case EAGAIN: return "end other programs, or raise the number of processes: see 'ulimit -u'"
    case ENOMEM: return "free some memory, or see 'ulimit -v'"
    default: return "check that it is a program for this machine and may be executed"
    }
  }

  private static func inWords(_ seconds: Double) -> String {
    seconds == seconds.rounded() && seconds < 1e15 ? "\(Int(seconds)) s" : "\(seconds) s"
  }

  private static func joined(_ messages: String, _ last: String) -> String {
    messages.isEmpty ? last : messages + "\n" + last
  }

  /// What the system says against writing a file; of a temporary one, how to name another place.
  static func cannotWrite(
    _ path: String, code: Int32, isTemporary: Bool = false
  ) -> ToolchainError {
    let hint = SystemError.hint(for: code)
    return .cannotWrite(
      path: path, reason: SystemError.text(of: code),
      hint: isTemporary ? hint + "; TMPDIR names that of temporary files" : hint)
  }
}
