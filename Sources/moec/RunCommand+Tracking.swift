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
    if let uri = tracking.mlflow { trackers.append(try mlflow(uri, session)) }
    let parameters = session.parameters(settings)
    for tracker in trackers { tracker.log(parameters: parameters) }
    return trackers
  }

  private func mlflow(_ uri: String, _ session: Session) throws -> MLflowTracker {
    let name = session.model.manifest.name
    var options = MLflowTracker.Options(
      server: uri, runName: tracking.mlflowRunName ?? name)
    options.experiment = tracking.mlflowExperiment ?? options.experiment
    if let earlier = session.record?.trackers["mlflow"] { options.identifier = earlier }
    options.tags = [
      "mlflow.source.name": session.model.manifest.source ?? library,
      "mlflow.source.type": "LOCAL", "mlflow.user": NSUserName(), "moec.model": name,
    ]
    do {
      return try MLflowTracker(options) { printToStandardError("note: \($0)") }
    } catch let error as MLflowError {
      throw TrackingError(error)
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
    for (path, name) in generatedFiles(of: session.model.manifest.name) {
      for tracker in trackers { tracker.log(file: path, as: name) }
    }
    for tracker in trackers { tracker.finish(status) }
  }

  /// What the model was compiled to, where `moec compile` leaves it: in the current folder or
  /// beside the library.
  private func generatedFiles(of model: String) -> [(path: String, name: String)] {
    let beside = URL(fileURLWithPath: library).deletingLastPathComponent().path
    for folder in [".", beside] {
      let generated = "\(folder)/Generated/\(model)"
      let names = FileManager.default.enumerator(atPath: generated)?.compactMap { $0 as? String }
      let files = (names ?? []).filter {
        ["c", "h", "txt"].contains(($0 as NSString).pathExtension)
      }
      if !files.isEmpty {
        return files.sorted().map { ("\(generated)/\($0)", "generated/\($0)") }
      }
    }
    return []
  }
}
