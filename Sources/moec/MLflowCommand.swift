import ArgumentParser
import ModelRuntime
import Tracking

/// `moec mlflow send JOURNAL`.
struct MLflowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mlflow",
    abstract: "Sends what a training run could not log to MLflow.",
    subcommands: [Send.self])

  struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sends a journal that a run left, and removes it.")

    @Argument(help: "The journal, a file that 'moec run --mlflow' named.")
    var journal: String

    @Option(help: ArgumentHelp("Another server than the run's.", valueName: "uri"))
    var server: String?

    func run() throws {
      try reportingErrors {
        do {
          try MLflowTracker.send(journal: journal, to: server) {
            printToStandardError("note: \($0)")
          }
        } catch let error as MLflowError {
          throw TrackingError(error)
        }
        try printNow("all is logged\n")
      }
    }
  }
}

/// Trouble of a tracker that a person has to know before training begins.
struct TrackingError: ExplainedError {
  var message: String
  var hint: String?

  init(_ error: MLflowError) {
    message = "MLflow: \(error)"
    hint = "check --mlflow, and that the server runs"
  }

  init(folder: String, _ error: any Error) {
    message = FileError(operation: "write", path: folder, error).message
    hint = "give a folder that can be written with --tensorboard"
  }
}
