import Foundation
import JSON
import Words

/// What a model thinks of the choices of each question.
public struct ChoiceScores: Equatable, Sendable {
  /// One question's.
  public struct Score: Equatable, Sendable {
    public var question: ChoiceQuestion
    /// log p(choice | question), of each choice, in nats.
    public var logLikelihoods: [Double]

    /// Bytes of each choice, without the space before it.
    public var bytes: [Int] { question.choices.map(\.utf8.count) }

    /// The likeliest choice.
    public var chosen: Int { Self.best(logLikelihoods) }

    /// The likeliest for each of its bytes.
    public var chosenByByte: Int {
      Self.best(zip(logLikelihoods, bytes).map { $0 / Double($1) })
    }

    /// The first of the highest.
    private static func best(_ numbers: [Double]) -> Int {
      numbers.indices.reduce(0) { numbers[$1] > numbers[$0] ? $1 : $0 }
    }

    /// `{"line":1,"answer":0,"choice":0,"choice_norm":1,"log_likelihood":[-9.5,…],"bytes":[4,…]}`.
    public var json: String {
      JSON.members([
        "line": .count(question.line), "answer": .count(question.answer), "choice": .count(chosen),
        "choice_norm": .count(chosenByByte),
        "log_likelihood": .array(logLikelihoods.map { .numeral("\($0)") }),
        "bytes": .array(bytes.map { .count($0) }),
      ]).line
    }
  }

  public var scores: [Score]
  /// Choices before which a question has lost its beginning.
  public var truncated = 0

  /// The share of questions whose likeliest choice is right.
  public var accuracy: Double { share { $0.chosen == $0.question.answer } }

  /// The same of the likeliest for each byte.
  public var accuracyByByte: Double { share { $0.chosenByByte == $0.question.answer } }

  private func share(_ isRight: (Score) -> Bool) -> Double {
    Double(scores.count(where: isRight)) / Double(max(scores.count, 1))
  }

  /// `100 questions: acc 0.5200 ± 0.0502, acc_norm 0.5400 ± 0.0501`, each with its standard error.
  public var line: String {
    func with(_ share: Double) -> String {
      if scores.count < 2 { return fourDecimals(share) }
      let error = (share * (1 - share) / Double(scores.count - 1)).squareRoot()
      return "\(fourDecimals(share)) ± \(fourDecimals(error))"
    }
    return "\(scores.count.of("question")): acc \(with(accuracy)), acc_norm \(with(accuracyByByte))"
  }

  /// What other programs read: `name=value` lines.
  public var result: String {
    "acc=\(fourDecimals(accuracy))\nacc_norm=\(fourDecimals(accuracyByByte))\n"
  }
}
