import Foundation
import Testing

@testable import Charts

@Suite struct HistoryTests {
  @Test func readsEveryField() throws {
    let history = try Logs.history(Logs.full())
    #expect(history.records.map(\.step) == [0, 100, 200, 300, 400, 500])
    let record = try #require(history.records.first)
    #expect((record.trainLoss, record.validationLoss) == (4, 4.125))
    #expect((record.learningRate, record.gradientNorm) == (0.001, 2))
    #expect((record.balance, record.deadExperts, record.droppedShare) == (2, 1, 0.02))
    #expect(record.expertLoad?.map(\.count) == [4, 4])
    #expect(history.note == nil)
  }

  @Test func averagedWeightsAreAThirdLine() throws {
    let history = try Logs.history(
      #"{"step":0,"train_loss":3,"val_loss":4}"# + "\n"
        + #"{"step":100,"train_loss":2,"val_loss":3,"ema_val_loss":2.5}"#)
    #expect(history.parts == [.training, .validation, .average])
    #expect(history.records.map { $0.loss(.average, .nats) } == [nil, 2.5])
    let figure = try Figure([history])
    #expect(figure.svg().contains("averaged weights dotted"))
    #expect(figure.table.contains("| 100 | 2.0000 / 3.0000 / 2.5000 |"))
    #expect(try Logs.history(Logs.plain([5, 4])).parts == [.training, .validation])
  }

  @Test func takesNumbersForTheWholeModelToo() throws {
    let history = try Logs.history(
      #"{"step":1,"train_loss":2,"val_loss":3,"balance":1.25,"dead_experts":3,"other":{}}"#)
    #expect(history.records[0].balance == 1.25)
    #expect(history.records[0].deadExperts == 3)
    #expect(history.records[0].expertLoad == nil)
  }

  @Test func aStepTwiceCountsAsItWasLast() throws {
    let text = Logs.plain([5, 4, 3]) + #"{"step":100,"train_loss":1,"val_loss":1}"# + "\r\n\n"
    #expect(try Logs.history(text).records.map(\.trainLoss) == [5, 1, 3])
  }

  @Test(arguments: [#"{"step":300,"train_lo"#, #"{"step":300}"#, "\u{0}", "{"])
  func aLineWithoutItsEndIsLeftOut(tail: String) throws {
    let history = try Logs.history(Logs.plain([5, 4, 3]) + tail)
    #expect(history.records.count == 3)
    #expect(history.note == "run.jsonl ends within line 4, which is left out")
  }

  @Test func aLastLineThatIsWholeCountsWithoutItsBreak() throws {
    let history = try Logs.history(String(Logs.plain([5, 4, 3]).dropLast()))
    #expect(history.records.count == 3)
    #expect(history.note == nil)
  }

  @Test(arguments: [
    ("", "run.jsonl holds no losses"),
    ("\n \n", "run.jsonl holds no losses"),
    (#"{"step":3"#, "run.jsonl holds no losses"),
    ("not json\n", "run.jsonl:1: not a line of a training log: it is no JSON object"),
    ("[1]\n", "run.jsonl:1: not a line of a training log: it is no JSON object"),
    ("{}\n", "run.jsonl:1: not a line of a training log: \"step\" is missing"),
    (
      "\n{\"step\":1,\"train_loss\":2}\n",
      "run.jsonl:2: not a line of a training log: \"val_loss\" is missing"
    ),
    (
      #"{"step":"a","train_loss":2,"val_loss":3}"# + "\n",
      "run.jsonl:1: not a line of a training log: \"step\" is of the wrong kind"
    ),
    (
      #"{"step":-1,"train_loss":2,"val_loss":3}"# + "\n",
      "run.jsonl:1: not a line of a training log: step -1 is out of range"
    ),
    (
      #"{"step":1,"train_loss":2,"val_loss":3,"expert_load":[[0.5,1.5]]}"# + "\n",
      "run.jsonl:1: not a line of a training log: \"expert_load\" must hold shares from 0 to 1, "
        + "a list for each layer"
    ),
  ])
  func refusesWhatIsNoLog(text: String, message: String) {
    #expect(refusal { _ = try Logs.history(text) } == message)
  }

  @Test func refusesLoadsThatChangeTheirShape() {
    let text =
      #"{"step":1,"train_loss":2,"val_loss":3,"expert_load":[[0.5,0.5]]}"# + "\n"
      + #"{"step":2,"train_loss":2,"val_loss":3,"expert_load":[[0.5,0.5],[0.5,0.5]]}"# + "\n"
    #expect(
      refusal { _ = try Logs.history(text) }
        == "run.jsonl holds expert loads of models with different layers or experts")
  }

  @Test func readsReferencePoints() throws {
    let points = try ReferencePoints(
      label: "p", path: "p.csv", text: "# a\n\n100, 2.5 ,2.75\r\n0,5,5.5\n")
    #expect(points.points.map(\.step) == [0, 100])
    #expect(points.points[1].validationLoss == 2.75)
  }

  @Test(arguments: [
    "step,train,validation\n", "Step, train_loss, val_loss\r\n", "\u{feff}step,train,validation\n",
    "# a\n\"step\",\"train\",\"val\"\n", "\u{feff}# a, b\n", "\u{feff}",
  ])
  func aTableMayNameItsColumns(start: String) throws {
    let points = try ReferencePoints(
      label: "p", path: "p.csv", text: start + "0,5,5.5\r\n \r\n100,2,3\r\n")
    #expect(points.points.map(\.step) == [0, 100])
    #expect(points.points.map(\.trainLoss) == [5, 2])
  }

  @Test(arguments: [
    "step,validation,train", "step,loss,val", "epoch,train,val", "0,1,2\nstep,train,val",
  ])
  func otherColumnsAreRefused(start: String) {
    let message = refusal {
      _ = try ReferencePoints(label: "p", path: "p.csv", text: start + "\n0,1,2\n")
    }
    #expect(message?.hasSuffix(": expected step,train,validation") == true)
  }

  @Test(arguments: ["1,2", "1,2,3,4", "a,2,3", "-1,2,3", "1,nan,3", "1,2,inf", "1;2;3"])
  func refusesWhatIsNoPoint(line: String) {
    let message = refusal {
      _ = try ReferencePoints(label: "p", path: "p.csv", text: "0,1,2\n\(line)\n")
    }
    #expect(message == "p.csv:2: expected step,train,validation")
    #expect(
      refusal { _ = try ReferencePoints(label: "p", path: "p.csv", text: "# nothing\n") }
        == "p.csv holds no points")
  }
}
