import ArgumentParser

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
        moec run libmakemoe.so --train --save weights.safetensors
        moec run libmakemoe.so --generate --weights weights.safetensors
        moec inspect libmakemoe.so --summary
      """,
    version: versionText,
    subcommands: [
      NewCommand.self, CompileCommand.self, CheckCommand.self, RunCommand.self, PlotCommand.self,
      InspectCommand.self, BenchCommand.self, TokenizerCommand.self, DemoCommand.self,
      WeightsCommand.self, MLflowCommand.self, DoctorCommand.self,
    ])

  static func main() async {
    openStandardDescriptors()
    await main(nil)
  }
}
