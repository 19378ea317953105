import ArgumentParser
import Driver
import Foundation
import Search
import Tracking

/// A study on an MLflow server, and its trials as child runs of it.
final class SearchTracking: @unchecked Sendable {
  private let tracker: MLflowTracker?
  private let options: SearchCommand.StudyOptions
  private let name: String
  /// The study's run on the server; nil where that did not answer in time.
  private let parent: String?

  /// Errors: the address is none.
  init(_ options: SearchCommand.StudyOptions, _ plan: StudyPlan, resumed: Bool) throws {
    self.options = options
    name = "\(plan.model)-search"
    guard let server = options.mlflow else {
      (tracker, parent) = (nil, nil)
      return
    }
    var own = MLflowTracker.Options(server: server, runName: name)
    own.experiment = options.mlflowExperiment ?? own.experiment
    own.identifier = plan.identifier
    own.tags = ["mlflow.source.name": plan.model, "moec_model": plan.model]
    do {
      let tracker = try MLflowTracker(own) { printToStandardError("note: \($0)") }
      self.tracker = tracker
      parent = tracker.run(waiting: own.timeout)
    } catch let error as MLflowError {
      throw TrackingError(error)
    }
    if parent == nil {
      printToStandardError("note: MLflow does not answer: trials are runs of their own there")
    }
    guard !resumed else { return }
    tracker?.log(parameters: [
      "space": plan.space.joined(separator: " "), "steps": "\(plan.steps)",
      "objective": plan.objectives.map(\.rawValue).joined(separator: ","), "seed": "\(plan.seed)",
    ])
  }

  /// Errors: the address is none.
  static func check(_ options: SearchCommand.StudyOptions) throws {
    guard let server = options.mlflow else { return }
    do { try MLflowTracker.check(server: server) } catch { throw TrackingError(error) }
  }

  var isOn: Bool { tracker != nil }

  /// Options of a trial's training.
  func words(ofTrial number: Int) -> [String] {
    guard let server = options.mlflow else { return [] }
    var words = ["--mlflow", server, "--mlflow-run-name", "\(name)-\(number)"]
    if let experiment = options.mlflowExperiment { words += ["--mlflow-experiment", experiment] }
    if let parent { words += ["--mlflow-parent", parent] }
    return words
  }

  /// The lowest so far, after each trial.
  func note(_ study: Study) {
    guard let best = study.best?.value else { return }
    tracker?.log(metrics: ["best": best], step: study.finished.count)
  }

  func finish(_ page: String?, _ status: TrackingStatus) {
    guard let tracker else { return }
    if let page { tracker.log(Data(page.utf8), as: "search.html") }
    tracker.finish(status)
  }
}
