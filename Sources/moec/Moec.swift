import ArgumentParser

@main
struct Moec: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "moec",
    abstract: "Compiles sparse mixture-of-experts language models to readable C.",
    subcommands: [
      CompileCommand.self, CheckCommand.self, RunCommand.self, InspectCommand.self, BenchCommand.self,
      TokenizerCommand.self, DemoCommand.self, WeightsCommand.self, MLflowCommand.self,
    ])
}
