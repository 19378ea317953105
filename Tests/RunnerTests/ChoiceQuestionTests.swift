import Foundation
import JSON
import ModelFixtures
import ModelRuntime
import Testing

@testable import Runner

/// Questions, their choices as tokens, and what is made of scores.
@Suite struct ChoiceQuestionTests {
  private func question(_ json: String) throws -> ChoiceQuestion {
    try ChoiceQuestion(try JSON.parse(Array(json.utf8)), line: 1)
  }

  @Test(arguments: [
    (#"{"question":"q","choices":["a","b"],"answer":1}"#, 1),
    (#"{"question":"q","choices":["a","b"],"answer":"b","more":[]}"#, 1),
    (#"{"query":"q","choices":["a","b"],"gold":"A"}"#, 0),
    (#"{"ctx":"q","endings":["a","b"],"label":"1"}"#, 1),
    (#"{"question":"q","choices":["2","1"],"answer":"1"}"#, 1),
    (#"{"question_stem":"q","choices":{"text":["a","b"],"label":["X","A"]},"answerKey":"A"}"#, 1),
    (#"{"goal":"q","sol1":"a","sol2":"b","label":0}"#, 0),
    (#"{"question":"q","query":"q","choices":["a","b"],"answer":1,"label":"B","gold":"art"}"#, 1),
  ])
  func formsOfSets(_ json: String, _ answer: Int) throws {
    let found = try question(json)
    #expect(found.question == "q" && found.choices.count == 2 && found.answer == answer)
  }

  @Test(arguments: [
    (#"{"choices":["a","b"],"answer":1}"#, "no question"),
    (#"{"question":" ","choices":["a","b"],"answer":1}"#, "question is empty"),
    (#"{"question":"q","answer":1}"#, "no choices"),
    (#"{"question":"q","choices":"ab","answer":1}"#, "choices is a string"),
    (#"{"question":"q","choices":["a",1],"answer":1}"#, "choice 1 is a number"),
    (#"{"question":"q","choices":["a"],"answer":0}"#, "nothing to choose from"),
    (#"{"question":"q","choices":["a","b"]}"#, "no answer"),
    (#"{"question":"q","choices":["a","b"],"answer":2}"#, "answer is none of the 2 choices"),
    (#"{"question":"q","choices":["a","b"],"label":"C"}"#, "label is none of the 2 choices"),
    (#"{"question":"q","choices":["a","b"],"answer":[]}"#, "answer is none of the 2 choices"),
    (#"{"question":"q","query":"p","choices":["a","b"],"answer":0}"#, "are both a question"),
    (#"{"question":"q","choices":["a","b"],"answer":0,"label":1}"#, "are both an answer"),
    (#"{"question":"q","choices":{"text":["a","b"],"label":["A"]},"answer":"A"}"#, "1 labels of 2"),
    (
      #"{"question":"q","choices":{"text":["a","b"],"label":["A","A"]},"answer":"A"}"#,
      "2 labels of 2"
    ),
    (
      #"{"question":"q","choices":{"text":["a","b"],"label":["A",2]},"answer":"2"}"#,
      "none of the 2"
    ),
  ])
  func mistakesAreNamed(_ json: String, _ expected: String) {
    let error = #expect(throws: LineError.Reason.self) { try question(json) }
    #expect(error?.text.contains(expected) == true, "\(error?.text ?? "")")
  }

  private let coding = TextCoding.characters(Vocabulary(of: Array("abcd ".unicodeScalars)))

  @Test func choicesAreTheEndsOfTexts() throws {
    let plain = try ChoiceText("ab", "cd", coding, context: 8)
    #expect(plain.tokens == [1, 2, 0, 3, 4] && plain.choice == 3 && !plain.isTruncated)
    // One space is enough, wherever it is, and belongs to the choice.
    #expect(try ChoiceText("ab ", "cd", coding, context: 8) == plain)
    #expect(try ChoiceText("ab", " cd", coding, context: 8) == plain)
    let long = try ChoiceText("abab", "cd", coding, context: 4)
    #expect(long.tokens == [1, 2, 0, 3, 4] && long.isTruncated)
    let error = #expect(throws: LineError.Reason.self) {
      try ChoiceText("a", "bbbb", coding, context: 4)
    }
    #expect(error?.text.contains("has 5 tokens, and the context is 4") == true)
    #expect(throws: LineError.Reason.self) { try ChoiceText("x", "a", coding, context: 8) }
  }

  private func score(_ choices: [String], _ numbers: [Double], answer: Int) -> ChoiceScores.Score {
    .init(
      question: ChoiceQuestion(line: 1, question: "q", choices: choices, answer: answer),
      logLikelihoods: numbers)
  }

  /// By hand: -2 of one byte against -3 of two; of é, two bytes.
  @Test func theBestIsChosenInTwoWays() {
    let one = score(["a", "bb"], [-2, -3], answer: 1)
    let two = score(["é", "a"], [-3, -2], answer: 1)
    #expect((one.chosen, one.chosenByByte) == (0, 1))
    #expect((two.chosen, two.chosenByByte) == (1, 0))
    #expect(score(["a", "b"], [-1, -1], answer: 0).chosen == 0)
    let scores = ChoiceScores(scores: [one, two, one, one])
    #expect(scores.accuracy == 0.25 && scores.accuracyByByte == 0.75)
    // √(0.25 · 0.75 / 3) = 0.25
    #expect(scores.line == "4 questions: acc 0.2500 ± 0.2500, acc_norm 0.7500 ± 0.2500")
    #expect(scores.result == "acc=0.2500\nacc_norm=0.7500\n")
    #expect(
      one.json
        == #"{"line":1,"answer":1,"choice":0,"choice_norm":1,"log_likelihood":[-2.0,-3.0],"bytes":[1,2]}"#
    )
    #expect(ChoiceScores(scores: [one]).line == "1 question: acc 0.0000, acc_norm 1.0000")
  }

  /// The sum over the choice's tokens of what the model's own logits say, by hand.
  @Test func likelihoodsAreSumsOfLogits() throws {
    let session = try sampleSession()
    let questions = [
      ChoiceQuestion(line: 1, question: "abc", choices: ["d", "ef", "dd"], answer: 0),
      ChoiceQuestion(line: 2, question: "cab", choices: ["a", "b"], answer: 0),
    ]
    let found = try session.scores(of: questions, path: "q", showsProgress: false)
    for (index, score) in found.scores.enumerated() {
      let seed = RandomStream.seed(session.seed, .evaluationNoise, index: index)
      for (choice, number) in zip(score.question.choices, score.logLikelihoods) {
        let tokens = try session.coding.encode(score.question.question + " " + choice)
        let logits = try session.model.logits(tokens: Array(tokens.dropLast()), seed: seed)
        var sum = 0.0
        for place in 3..<tokens.count {
          let row: [Double] = logits[(place - 1) * 12..<place * 12].map { Double($0) }
          let whole: Double = row.reduce(0.0) { $0 + exp($1) }
          sum += row[Int(tokens[place])] - log(whole)
        }
        #expect(abs(sum - number) < 1e-5)
      }
    }
  }

  @Test func modesAndMistakesAreSaid() throws {
    let folder = try ModelFixture.folder()
    try "{\"question\":\"a\",\"choices\":[\"b\",\"c\"],\"answer\":0}\n{}\n".write(
      toFile: folder + "/q.jsonl", atomically: true, encoding: .utf8)
    try sampleText().write(toFile: folder + "/text", atomically: true, encoding: .utf8)
    let start = ["run", try ModelFixture.bigram(), "--data", "text", "--choices", "q.jsonl"]
    let bad = try Command.moec(start, in: folder)
    #expect(bad.status == 1 && bad.errors.contains("error: q.jsonl:2: there is no question"))
    for (more, message) in [
      (["--train"], "give one of --train"),
      (["--steps", "1"], "--steps has no meaning with --choices"),
      (["--route", "a"], "give one of"),
    ] {
      let wrong = try Command.moec(start + more, in: folder)
      #expect(wrong.status == 64 && wrong.errors.contains(message), "\(wrong.errors)")
    }
  }
}
