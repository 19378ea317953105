import ArgumentParser
import Foundation
import ModelRuntime
import SystemFiles

@main
struct Moec: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "moec",
    abstract: "Compiles sparse mixture-of-experts language models to readable C.",
    discussion: """
      EXAMPLES
        moec demo
        moec new my-model
        moec compile Examples/makemoe.swift -o libmakemoe.so
        moec run libmakemoe.so --train
        moec run libmakemoe.so --generate --weights runs/makemoe/weights.safetensors
        moec runs
        moec inspect libmakemoe.so --summary
      """,
    version: versionText,
    subcommands: [
      NewCommand.self, CompileCommand.self, CheckCommand.self, RunCommand.self, ChatCommand.self,
      RunsCommand.self, SearchCommand.self, PlotCommand.self, InspectCommand.self,
      BenchCommand.self, SimulateCommand.self, TokenizerCommand.self, DemoCommand.self,
      WeightsCommand.self, ImportCommand.self, ExportCommand.self, MLflowCommand.self,
      DoctorCommand.self,
    ])

  static func main() async {
    openStandardDescriptors()
    unblockSignals()
    Processors.mendEnvironment()
    // Swift's runtime would take Ctrl-\ for a crash, and ask what to do about it.
    if endsBy(SIGQUIT) { signal(SIGQUIT, SIG_DFL) }
    do {
      try Suggestion.checkHelp(Array(CommandLine.arguments.dropFirst()))
      try Suggestion.checkNames(Array(CommandLine.arguments.dropFirst()))
      var command = try parseAsRoot(
        Suggestion.withEmptyValues(Array(CommandLine.arguments.dropFirst())))
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      guard exitCode(for: error) == .validationFailure,
        let hint = Suggestion.hint(for: Array(CommandLine.arguments.dropFirst()))
          ?? Suggestion.hint(forValueIn: fullMessage(for: error))
      else { leave(error) }
      // The library has an idea of its own, for some, which would be said twice.
      let message = Self.message(error).replacing(#/ Did you mean '[^']*'\?/#, with: "")
      printToStandardError(Wrapping.text(message, columns: Terminal.columns(STDERR_FILENO) ?? .max))
      printToStandardError("hint: \(hint)")
      Foundation.exit(ExitCode.validationFailure.rawValue)
    }
  }

  /// The library's words; an error begins as all of moec's do.
  private static func message(_ error: any Error) -> String {
    let message = fullMessage(for: error)
    return message.hasPrefix("Error: ") ? "error: " + message.dropFirst(7) : message
  }

  /// Prints help or an error as the library does, but on a terminal no wider than that is.
  private static func leave(_ error: any Error) -> Never {
    let code = exitCode(for: error)
    let descriptor = code.isSuccess ? STDOUT_FILENO : STDERR_FILENO
    let message = message(error)
    let text = Wrapping.text(message, columns: Terminal.columns(descriptor) ?? .max)
    if code.isSuccess {
      do { try reportingErrors { try printNow(text + "\n") } } catch {
        Foundation.exit(ExitCode.failure.rawValue)
      }
    } else if !text.isEmpty {
      printToStandardError(text)
    }
    Foundation.exit(code.rawValue)
  }
}
