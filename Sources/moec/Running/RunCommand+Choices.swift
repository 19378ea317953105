import ArgumentParser
import Driver
import Foundation
import Ranks
import Runner
import SystemFiles
import Words

extension RunCommand {
  struct ChoiceOptions: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Answer the questions of a file of JSON lines: the likeliest of their choices.",
        valueName: "file"),
      completion: .file(extensions: ["jsonl"]))
    var choices: String?

    @Option(
      help: ArgumentHelp(
        "With --choices: write each question's scores here, as JSON lines.", valueName: "file"),
      completion: .file(extensions: ["jsonl"]))
    var output: String?
  }

  /// Ranks share the questions; the first one prints.
  func choose(_ ranks: Ranks, from path: String) throws {
    if ranks.isFirst { try checkOutput() }
    let questions = try ChoiceQuestion.all(in: path)
    var options = options
    options.text = .vocabulary
    options.ranks = ranks
    options.usualThreads = usualThreads(of: ranks)
    let session = try open(options)
    noteUntrained()
    let scores = try session.scores(
      of: questions, path: path, showsProgress: !quiet && ranks.isFirst)
    guard ranks.isFirst else { return }
    if scores.truncated > 0 {
      tell(
        "note: \(scores.truncated.of("choice")) of \(questions.count.of("question")) leave no room for the whole "
          + "question, whose beginning is left out")
    }
    if let output = choice.output {
      try AtomicFile.write(scores.scores.map { $0.json + "\n" }.joined(), to: output)
      tell("wrote \(output)")
    }
    try printNow(scores.line + "\n" + (training.resultLine ? scores.result : ""))
  }

  /// Errors: the file is there already, or cannot be written.
  private func checkOutput() throws {
    try claims().check()
    guard let output = choice.output else { return }
    if access(output, F_OK) == 0, !training.overwrite {
      throw CompilationError(
        message: "\(output) is there already",
        hint: "replace it with --overwrite, or name another file")
    }
    try AtomicFile.check(output)
  }
}

extension FileKind {
  /// What --output wrote.
  static let choiceScores = FileKind("the scores of choices", beginning: "{\"line\":")
}
