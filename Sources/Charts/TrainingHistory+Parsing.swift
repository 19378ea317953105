import Foundation
import SystemFiles

extension TrainingHistory {
  /// Reads the JSON lines of `--log`. A last line without its end, from a run that still goes or
  /// was killed, is left out with a note. Errors: a line that is no record, or no record at all.
  public init(label: String, path: String, data: Data) throws(ChartError) {
    var records: [Record] = []
    var note: String?
    let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !Self.isBlank(line) {
      do {
        records.append(try Self.record(line, at: "\(path):\(index + 1)"))
      } catch {
        // What ends in a line break is meant to be whole; what does not is still being written.
        guard index == lines.count - 1 else { throw error }
        note = "\(path) ends within line \(index + 1), which is left out"
      }
    }
    try self.init(label: label, path: path, records: records, note: note)
  }

  private static func isBlank(_ line: Data) -> Bool {
    line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
  }

  private static func record(_ line: Data, at place: String) throws(ChartError) -> Record {
    if MarkRuns.excessive(in: line) != nil {
      throw notALog(place, "a character of it has too many marks")
    }
    let entry: Entry
    do {
      entry = try JSONDecoder().decode(Entry.self, from: line)
    } catch DecodingError.keyNotFound(let key, _) {
      throw notALog(place, "\"\(key.stringValue)\" is missing")
    } catch DecodingError.typeMismatch(_, let context) {
      let field = context.codingPath.first?.stringValue
      throw notALog(
        place, field.map { "\"\($0)\" is of the wrong kind" } ?? "it is no JSON object")
    } catch {
      throw notALog(place, "it is no JSON object")
    }
    guard (0...1_000_000_000_000).contains(entry.step) else {
      throw notALog(place, "step \(entry.step) is out of range")
    }
    let loads = entry.expert_load ?? []
    guard loads.allSatisfy({ !$0.isEmpty && $0.allSatisfy { (0...1).contains($0) } }) else {
      throw notALog(place, "\"expert_load\" must hold shares from 0 to 1, a list for each layer")
    }
    return entry.record
  }

  private static func notALog(_ place: String, _ reason: String) -> ChartError {
    ChartError(
      "\(place): not a line of a training log: \(reason)",
      hint: "give a file that moec run --train --log wrote")
  }
}

/// A line as it is in the file.
private struct Entry: Decodable {
  var step: Int
  var train_loss: Double
  var val_loss: Double
  var ema_val_loss: Double?
  var train_bits_per_character: Double?
  var val_bits_per_character: Double?
  var learning_rate: Double?
  var gradient_norm: Double?
  var balance: OneOrMany?
  var dead_experts: OneOrMany?
  var dropped_share: OneOrMany?
  var expert_load: [[Double]]?

  var record: TrainingHistory.Record {
    .init(
      step: step, trainLoss: train_loss, validationLoss: val_loss, averageLoss: ema_val_loss,
      trainBits: train_bits_per_character, validationBits: val_bits_per_character,
      learningRate: learning_rate, gradientNorm: gradient_norm,
      balance: balance?.numbers.max(), deadExperts: dead_experts?.numbers.reduce(0, +),
      droppedShare: dropped_share?.numbers.max(), expertLoad: expert_load)
  }
}

/// A number for the whole model, or one for each layer.
private struct OneOrMany: Decodable {
  var numbers: [Double]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let number = try? container.decode(Double.self) {
      numbers = [number]
    } else {
      numbers = try container.decode([Double].self)
    }
  }
}
