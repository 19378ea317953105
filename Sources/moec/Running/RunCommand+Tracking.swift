import Charts
import Foundation
import ModelRuntime
import Runner
import Tracking

extension RunCommand {
  /// The trackers that were asked for, told of the run's settings.
  func trackers(_ session: Session, _ settings: TrainingSettings) throws -> [any Tracker] {
    var trackers: [any Tracker] = []
    if let folder = tracking.tensorboard {
      do {
        trackers.append(
          try TensorBoardWriter(
            folder: folder, resumedAt: session.isResumed ? session.start : nil
          ) { printToStandardError("note: \($0)") })
      } catch {
        throw TrackingError(folder: folder, error)
      }
    }
    if let uri = tracking.mlflow, let mlflow = try mlflow(uri, session) { trackers.append(mlflow) }
    let parameters = session.parameters(settings)
    for tracker in trackers { tracker.log(parameters: parameters) }
    return trackers
  }

  /// Nil where nothing can be kept for the server: training goes on without.
  private func mlflow(_ uri: String, _ session: Session) throws -> MLflowTracker? {
    let name = session.model.manifest.name
    var options = MLflowTracker.Options(
      server: uri, runName: tracking.mlflowRunName ?? name)
    options.experiment = tracking.mlflowExperiment ?? options.experiment
    if let earlier = session.record?.trackers["mlflow"] { options.identifier = earlier }
    options.tags = [
      "mlflow.source.name": session.model.manifest.source ?? library,
      "mlflow.source.type": "LOCAL", "mlflow.user": NSUserName(), "moec_model": name,
      "mlflow.note.content": description(of: session),
    ]
    options.tags["mlflow.parentRunId"] = tracking.mlflowParent
    do {
      return try MLflowTracker(options) { printToStandardError("note: \($0)") }
    } catch let error as MLflowError {
      guard case .journal = error else { throw TrackingError(error) }
      printToStandardError("note: MLflow: \(error); training goes on, and nothing is logged there")
      return nil
    }
  }

  /// Hands over the files of the run and ends it.
  func finish(_ trackers: [any Tracker], _ status: TrackingStatus, _ session: Session) {
    guard !trackers.isEmpty else { return }
    var files = TrainingFiles()
    files.save = training.save
    for path in [training.log, files.save, files.best].compactMap({ $0 })
    where FileManager.default.fileExists(atPath: path) {
      for tracker in trackers {
        tracker.log(file: path, as: URL(fileURLWithPath: path).lastPathComponent)
      }
    }
    for file in (try? EmbeddedSources(library: library))?.files ?? [] {
      for tracker in trackers { tracker.log(Data(file.bytes), as: "generated/" + file.path) }
    }
    for (content, name) in curves(session) {
      for tracker in trackers { tracker.log(content, as: name) }
    }
    for tracker in trackers { tracker.finish(status) }
  }

  /// Draws the run's log beside it; nothing, if there is nothing to draw yet.
  func drawCurve(_ session: Session, _ path: String) {
    guard let curve = curves(session).first else { return }
    keep(String(decoding: curve.content, as: UTF8.self), in: path)
  }

  /// An address without the password in it.
  static func withoutPassword(_ uri: String) -> String { MLflowTracker.redacted(uri) }

  /// The run's log as a picture and as a page.
  private func curves(_ session: Session) -> [(content: Data, name: String)] {
    guard let log = training.log, let data = FileManager.default.contents(atPath: log),
      let history = try? TrainingHistory(
        label: session.model.manifest.name, path: log, data: data),
      let figure = try? Figure([history]), let page = try? figure.page()
    else { return [] }
    return [(Data(figure.svg().utf8), "curve.svg"), (Data(page.utf8), "curve.html")]
  }

  /// What a page of the tracker says above all numbers, in Markdown.
  private func description(of session: Session) -> String {
    let lines = session.summary.split(separator: "\n").map { "    \($0)" }
    return "Trained by `moec run --train`.\n\n" + lines.joined(separator: "\n")
  }
}
