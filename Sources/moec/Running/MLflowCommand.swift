import ArgumentParser
import SystemFiles
import Tracking

/// `moec mlflow send JOURNAL`.
struct MLflowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mlflow",
    abstract: "Sends what a training run could not log to MLflow.",
    discussion: """
      EXAMPLES
        moec mlflow send makemoe.mlflow.jsonl
      """,
    subcommands: [Send.self])

  struct Send: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Sends a journal that a run left, and removes it.",
      discussion: """
        EXAMPLES
          moec mlflow send makemoe.mlflow.jsonl
          moec mlflow send makemoe.mlflow.jsonl --server http://localhost:5000
        """)

    @Argument(help: "The journal, a file that 'moec run --mlflow' named.", completion: .file())
    var journal: String

    @Option(help: ArgumentHelp("Another server than the run's.", valueName: "uri"))
    var server: String?

    func run() throws {
      try reportingErrors {
        let refused: Int
        do {
          refused = try MLflowTracker.send(journal: journal, to: server) {
            printToStandardError("note: \($0)")
          }
        } catch let error as MLflowError {
          throw TrackingError(error)
        }
        try printNow(refused == 0 ? "all is logged\n" : "all is logged but what was refused\n")
      }
    }
  }
}

/// Trouble of a tracker that a person has to know before training begins.
struct TrackingError: ExplainedError {
  var message: String
  var hint: String

  init(_ error: MLflowError) {
    message = "MLflow: \(error)"
    switch error {
    case .badAddress: hint = "start the server with 'mlflow server', which prints its address"
    case .journal, .notAJournal: hint = "name the file that 'moec run --mlflow' said it left"
    case .unreachable, .busy, .strange: hint = "check the address, and that the server runs"
    case .refused:
      hint =
        error.isAboutAccess
        ? "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
        : "check the experiment's name, and who may write there"
    }
  }

  init(folder: String, _ error: any Error) {
    message = FileError(operation: "write", path: folder, error).message
    hint = "give a folder that can be written with --tensorboard"
  }
}
