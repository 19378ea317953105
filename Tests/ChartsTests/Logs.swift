import Foundation
import ModelFixtures

@testable import Charts

/// Small runs to draw.
enum Logs {
  /// Losses that fall, and loads of two layers of four experts of which one dies.
  static func full(records: Int = 6) -> String {
    (0..<records).map { index in
      let loss = 1.5 + 2.5 / Double(index + 1)
      let shift = 0.02 * Double(index % 10)
      let loads = [
        [0.25, 0.25, 0.25 + shift, 0.25 - shift],
        [index > 2 ? 0 : 0.1, index > 2 ? 0.5 : 0.4, 0.25, 0.25],
      ]
      return """
        {"step":\(index * 100),"train_loss":\(loss),"val_loss":\(loss + 0.125),"seconds":1.5,\
        "tokens":\(index * 51200),"learning_rate":\(0.001 / Double(index + 1)),\
        "gradient_norm":\(2.0 / Double(index + 1)),"balance":[1.5,2.0],"dead_experts":[0,1],\
        "dropped_share":0.02,"expert_load":\(loads)}\n
        """
    }.joined()
  }

  /// Losses alone, as of a model without experts.
  static func plain(_ losses: [Double]) -> String {
    losses.enumerated().map { index, loss in
      #"{"step":\#(index * 100),"train_loss":\#(loss),"val_loss":\#(loss + 0.25),"seconds":1,"#
        + #""tokens":\#(index)}"# + "\n"
    }.joined()
  }

  /// Losses of a model whose tokens are some characters long.
  static func subwords(_ losses: [Double], charactersPerToken: Double) -> String {
    losses.enumerated().map { index, loss in
      let bits = [loss, loss + 0.25].map { inBits($0) / charactersPerToken }
      return #"{"step":\#(index * 100),"train_loss":\#(loss),"val_loss":\#(loss + 0.25),"#
        + #""train_bits_per_character":\#(bits[0]),"val_bits_per_character":\#(bits[1]),"#
        + #""seconds":1,"tokens":\#(index)}"# + "\n"
    }.joined()
  }

  static func history(_ text: String, _ label: String = "run") throws -> TrainingHistory {
    try TrainingHistory(label: label, path: "\(label).jsonl", data: Data(text.utf8))
  }

  static let reference = "# step, train, validation\n0,4.1,4.2\n100,2.75,2.875\n500,1.75,2\n"

  /// The repository's own folder.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
}

/// What a chart refuses to draw, as one line.
func refusal(_ work: () throws -> Void) -> String? {
  do {
    try work()
    return nil
  } catch let error as ChartError {
    return error.message
  } catch {
    return "another error: \(error)"
  }
}
