import Foundation
import ModelRuntime
import Tokenizer
import Words

extension Session {
  /// Scores the choices of questions; the numbers do not depend on how many ranks share them.
  ///
  /// Errors: characters that are not known; a choice that is longer than the context; logits that are not
  /// finite.
  public func scores(
    of questions: [ChoiceQuestion], path: String, showsProgress: Bool = true
  ) throws -> ChoiceScores {
    let texts = try texts(of: questions, path)
    // Ranks that share out experts make every pass together.
    let isShared = model.manifest.expertRanks > 1
    let own = questions.indices.filter { isShared || $0 % ranks.count == ranks.rank }
    let total = own.reduce(0) { $0 + texts[$1].reduce(0) { $0 + $1.tokens.count } }
    let progress = ProgressLine(total: Double(total), isShown: showsProgress)
    defer { progress.clear() }
    var numbers = texts.map { $0.map { _ in 0.0 } }
    var scorer = ChoiceScorer(model: model)
    for (done, index) in own.enumerated() {
      let noise = RandomStream.seed(seed, .evaluationNoise, index: index)
      for (choice, text) in texts[index].enumerated() {
        numbers[index][choice] = try scorer.logLikelihood(of: text, seed: noise)
        progress.advance(by: Double(text.tokens.count)) {
          ["question \((done + 1).grouped) of \(own.count.grouped)"]
        }
      }
    }
    let all = try gathered(numbers, isShared)
    return ChoiceScores(
      scores: zip(questions, all).map { .init(question: $0, logLikelihoods: $1) },
      truncated: texts.reduce(0) { $0 + $1.count(where: \.isTruncated) })
  }

  /// Each rank gives what it has and zeros for the rest.
  private func gathered(_ own: [[Double]], _ isShared: Bool) throws -> [[Double]] {
    if isShared || ranks.count == 1 { return own }
    let all = try ranks.gather(own.flatMap { $0 })
    var next = 0
    return own.map { numbers in
      defer { next += numbers.count }
      return numbers.indices.map { index in all.reduce(0) { $0 + $1[next + index] } }
    }
  }

  private func texts(of questions: [ChoiceQuestion], _ path: String) throws -> [[ChoiceText]] {
    let lost = LostCharacters(coding)
    return try questions.map { question in
      do throws(LineError.Reason) {
        for text in [question.question] + question.choices { try lost.check(text) }
        return try question.choices.map { choice throws(LineError.Reason) in
          try ChoiceText(question.question, choice, coding, context: model.manifest.context)
        }
      } catch {
        throw LineError(path: path, line: question.line, reason: error)
      }
    }
  }
}

/// A question and one of its choices as tokens.
struct ChoiceText: Equatable {
  var tokens: [Int32]
  /// How many of them, at the end, are the choice.
  var choice: Int
  /// Whether the beginning is left out, as there is no room for all.
  var isTruncated: Bool

  /// Both as one text, a space between them unless one brings white space along. What is behind as many
  /// tokens as the question alone has belongs to the choice. Errors: unknown characters, a choice that is too
  /// long.
  init(
    _ question: String, _ choice: String, _ coding: TextCoding, context: Int
  ) throws(LineError.Reason) {
    let question = question[...]
    var asked = question
    while asked.last?.isWhitespace == true { asked.removeLast() }
    let isApart = asked.endIndex < question.endIndex || choice.first?.isWhitespace == true
    do throws(VocabularyError) {
      let before = try coding.prompt(String(asked)).count
      tokens = try coding.prompt(question + (isApart ? "" : " ") + choice)
      self.choice = tokens.count - before
    } catch {
      throw .init(error.message, hint: error.hint)
    }
    guard (1...context).contains(self.choice) else {
      throw .init(
        "the choice \(choice.debugDescription) has \(self.choice.grouped) tokens, and the context is \(context.grouped)",
        hint: "shorten it, or compile the model with a longer context")
    }
    let left = max(0, tokens.count - context - 1)
    isTruncated = left > 0
    tokens.removeFirst(left)
    // A text that begins with its choice has nothing to guess the first token from.
    self.choice = min(self.choice, tokens.count - 1)
  }
}

/// Sums up what the logits say of texts. Texts that begin alike come one after the other: a library goes on from
/// where they part.
private struct ChoiceScorer {
  let model: Model
  private var known: (tokens: [Int32], seed: UInt64, logits: [Float])?

  init(model: Model) { self.model = model }

  /// Σ log p(token | those before it) over the choice's tokens.
  mutating func logLikelihood(of text: ChoiceText, seed: UInt64) throws -> Double {
    let given = Array(text.tokens.dropLast())
    let size = model.manifest.vocabulary
    // Choices of one token are all in the same logits.
    if known?.tokens != given || known?.seed != seed {
      known = (given, seed, try model.logits(tokens: given, seed: seed))
    }
    let logits = known?.logits ?? []
    var sum = 0.0
    for place in given.count - text.choice..<given.count {
      let row = logits[place * size..<(place + 1) * size]
      try model.requireFinite(Array(row), "logits")
      sum += Self.logProbability(of: Int(text.tokens[place + 1]), row)
    }
    return sum
  }

  private static func logProbability(of token: Int, _ logits: ArraySlice<Float>) -> Double {
    logits.withUnsafeBufferPointer { logits in
      var highest = -Float.infinity
      for logit in logits { highest = max(highest, logit) }
      var sum = 0.0
      for logit in logits { sum += exp(Double(logit - highest)) }
      return Double(logits[token] - highest) - log(sum)
    }
  }
}
