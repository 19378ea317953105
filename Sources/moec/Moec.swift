import ArgumentParser

@main
struct Moec: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "moec",
    abstract: "Compiles sparse mixture-of-experts language models to readable C.",
    subcommands: [
      CompileCommand.self, RunCommand.self, PlotCommand.self, InspectCommand.self,
      BenchCommand.self, TokenizerCommand.self, DemoCommand.self, WeightsCommand.self,
      MLflowCommand.self,
    ])
}
