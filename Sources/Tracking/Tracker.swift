import Foundation

/// Keeps what a training run tells, for people to look at. A tracker never stops or slows training:
/// what goes wrong is said once and otherwise its own affair.
public protocol Tracker: AnyObject {
  /// Settings and facts of the run, by name; said once, before anything else.
  func log(parameters: [String: String])

  /// Numbers as they are at a step; they may be infinite or NaN.
  func log(metrics: [String: Double], step: Int)

  /// A file that belongs to the run, and the name to keep it under; its content is that of the end.
  func log(file path: String, as name: String)

  /// What is no file here and is to be one there, under a name.
  func log(_ content: Data, as name: String)

  /// Nothing more will come.
  func finish(_ status: TrackingStatus)

  /// What a later run needs to go on where this one stopped; nil if it needs nothing.
  var continuation: (key: String, value: String)? { get }
}

extension Tracker {
  public var continuation: (key: String, value: String)? { nil }
}

/// How a run ended.
public enum TrackingStatus: String, Sendable, Codable {
  case finished = "FINISHED"
  case failed = "FAILED"
  /// Stopped by a person or by the system.
  case killed = "KILLED"
}
