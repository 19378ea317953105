import ArgumentParser
import Foundation

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
      NewCommand.self, CompileCommand.self, CheckCommand.self, RunCommand.self, RunsCommand.self,
      PlotCommand.self,
      InspectCommand.self, BenchCommand.self, TokenizerCommand.self, DemoCommand.self,
      WeightsCommand.self, MLflowCommand.self, DoctorCommand.self,
    ])

  static func main() async {
    openStandardDescriptors()
    unblockSignals()
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      guard exitCode(for: error) == .validationFailure,
        let hint = Suggestion.hint(for: Array(CommandLine.arguments.dropFirst()))
      else { exit(withError: error) }
      printToStandardError(fullMessage(for: error))
      printToStandardError("hint: \(hint)")
      Foundation.exit(ExitCode.validationFailure.rawValue)
    }
  }
}
