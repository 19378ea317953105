import Foundation
import ModelFixtures
import Testing

@testable import Charts

/// Logs and tables are drawn or refused, soon.
@Suite struct DamagedFileTests {
  @Test func logs() throws {
    let seeds = [Logs.full(), Logs.plain([5, 4, 3])].map { Array($0.utf8) }
    let outcome = Damaged(seeds, count: 300).read { bytes in
      let history = try TrainingHistory(label: "x", path: "x", data: Data(bytes))
      for unit in LossUnit.allCases {
        var options = Figure.Options()
        options.unit = unit
        options.isLogarithmic = unit == .nats
        guard let figure = try? Figure([history], options: options) else { continue }
        _ = (figure.svg(), try figure.page(), figure.table)
      }
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  @Test func tables() throws {
    let seed = Array("step,train,validation\n# a comment\n0,4.17,4.18\n100,2.5,2.6\r\n".utf8)
    let history = try Logs.history(Logs.plain([5, 4, 3]))
    let outcome = Damaged([seed], count: 500).read { bytes in
      let points = try ReferencePoints(
        label: "x", path: "x", text: String(decoding: bytes, as: UTF8.self))
      let figure = try Figure([history], references: [points])
      _ = (figure.svg(), figure.table)
    }
    #expect(outcome.slow == [])
    #expect(outcome.taken > 0)
  }

  /// Half a megabyte; it took more than a minute.
  @Test(.timeLimit(.minutes(1))) func aLogOfManyLayersIsDrawnSoon() throws {
    let loads = "[" + [String](repeating: "[0.5,0.5]", count: 20_000).joined(separator: ",") + "]"
    let lines = [0, 10, 20].map {
      "{\"step\":\($0),\"train_loss\":2,\"val_loss\":2,\"expert_load\":\(loads)}\n"
    }
    let start = Date()
    let figure = try Figure([try Logs.history(lines.joined())])
    #expect(figure.svg().count > 20_000)
    #expect(Date().timeIntervalSince(start) < 30)
  }

  @Test func aLongLabelIsCutSoon() {
    let label = String(repeating: "label ", count: 20_000)
    let short = shortened(label, to: 200)
    #expect(textWidth(short) <= 200)
    #expect(textWidth(short) > 190)
    #expect(shortened("abc", to: 200) == "abc")
    #expect(shortened("abc", to: 1) == "…")
  }
}
