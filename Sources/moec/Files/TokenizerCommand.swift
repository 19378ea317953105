import ArgumentParser
import Codegen
import Foundation
import Runner
import SystemFiles
import Tokenizer
import Words

/// `moec tokenizer train|encode|decode|shard`.
struct TokenizerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer",
    abstract: "Makes and tries vocabularies of parts of words (byte-level BPE).",
    discussion: """
      EXAMPLES
        moec tokenizer train text.txt --vocabulary 1024 -o tokenizer.json
        moec tokenizer shard text.txt --tokenizer tokenizer.json -o shards
      """,
    subcommands: [Train.self, Encode.self, Decode.self, Shard.self])

  struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Learns a vocabulary from texts, as a tokenizer.json.",
      discussion: """
        EXAMPLES
          moec tokenizer train text.txt
          moec tokenizer train one.txt two.txt --vocabulary 4096 -o tokenizer.json
          moec tokenizer train text.txt --special '<|endoftext|>' --minimum-count 2
        """)

    @Argument(help: "UTF-8 texts.", completion: .file())
    var data: [String]

    @Option(parsing: .unconditional, help: "Tokens in all, 256 bytes among them.")
    var vocabulary = 1024

    @Option(name: .shortAndLong, help: "The file to write.", completion: .tokenizer)
    var output = "tokenizer.json"

    @Option(help: "A token that is no text, such as '<|endoftext|>'; may be given again.")
    var special: [String] = []

    @Option(parsing: .unconditional, help: "Leave pairs alone that come less often.")
    var minimumCount = 0

    @Flag(help: "Let no token go over a line's end, as the 'tokenizers' package trains on files.")
    var byLine = false

    func validate() throws {
      guard (1...1 << 24).contains(vocabulary) else {
        throw ValidationError(
          "--vocabulary must be from 1 to \((1 << 24).grouped), not \(vocabulary.grouped)")
      }
      if data.isEmpty { throw ValidationError("name a text to learn from") }
      if special.contains("") {
        throw ValidationError("--special needs a token, such as '<|endoftext|>'")
      }
      let twice = special.enumerated().first { special.prefix($0.offset).contains($0.element) }
      if let twice { throw ValidationError("--special \(twice.element) is there twice") }
    }

    func run() throws {
      try reportingErrors {
        var claims = FileClaims()
        for path in data { claims.read(path, "a text") }
        claims.write(output, "--output", over: .trainedTokenizer)
        try claims.check()
        try AtomicFile.check(output)
        var pieces = PieceCounts()
        for path in data {
          try TextFile.read(path) { text in
            if byLine { pieces.addLines(validUTF8: text) } else { pieces.add(validUTF8: text) }
          }
        }
        if pieces.isEmpty { throw NothingToLearn(paths: data) }
        var trainer = BytePairTrainer(vocabulary: vocabulary)
        trainer.minimumCount = minimumCount
        trainer.specialTokens = special
        let tokenizer = try trainer.train(on: pieces)
        try AtomicFile.write(String(decoding: tokenizer.json, as: UTF8.self), to: output)
        if tokenizer.count < vocabulary {
          printToStandardError(
            "note: the texts have no more than \(tokenizer.count.grouped) tokens")
        }
        printToStandardError("\(output): \(tokenizer.count.grouped) tokens")
      }
    }
  }

  struct Encode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the tokens of a text, from a file or standard input.",
      discussion: """
        EXAMPLES
          moec tokenizer encode text.txt
          moec tokenizer encode --tokenizer model/tokenizer.json < text.txt
        """)

    @Argument(help: "A text; '-' is standard input.", completion: .file())
    var text = "-"

    @Option(help: "The tokenizer.json to cut it with.", completion: .tokenizer)
    var tokenizer = "tokenizer.json"

    func run() throws {
      try reportingErrors {
        let tokenizer = try BytePairTokenizer(path: tokenizer)
        let tokens = tokenizer.encode(try TextFile.utf8(text))
        try printNow(tokens.map(String.init).joined(separator: " ") + "\n")
      }
    }
  }

  struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints the text of tokens, numbers from a file or standard input.",
      discussion: """
        EXAMPLES
          moec tokenizer decode tokens.txt
          moec tokenizer decode --tokenizer model/tokenizer.json < tokens.txt
        """)

    @Argument(
      help: "Numbers with spaces between them; '-' is standard input.", completion: .file())
    var tokens = "-"

    @Option(help: "The tokenizer.json that they are of.", completion: .tokenizer)
    var tokenizer = "tokenizer.json"

    func run() throws {
      try reportingErrors {
        let tokenizer = try BytePairTokenizer(path: tokenizer)
        let words = String(decoding: try TextFile.bytes(tokens), as: UTF8.self)
          .split(whereSeparator: \.isWhitespace)
        let numbers = try words.map { word in
          guard let number = Int32(word), number >= 0 else {
            throw NotAToken(word: String(word))
          }
          guard number < tokenizer.count else {
            throw UnknownToken(number: number, count: tokenizer.count)
          }
          return number
        }
        try printNow(tokenizer.decode(numbers, skippingSpecial: false))
      }
    }
  }

  struct Shard: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Writes texts as token shards, for corpora larger than memory.",
      discussion: """
        EXAMPLES
          moec tokenizer shard text.txt -o shards
          moec tokenizer shard one.txt two.txt --separator '<|endoftext|>' -o shards
          moec run libmakemoe.so --train --data shards
        """)

    @Argument(help: "UTF-8 texts.", completion: .file())
    var data: [String]

    @Option(help: "The tokenizer.json to cut them with.", completion: .tokenizer)
    var tokenizer = "tokenizer.json"

    @Option(name: .shortAndLong, help: "The folder to write.", completion: .directory)
    var output: String

    @Option(help: "A token to put after each text, such as '<|endoftext|>'.")
    var separator: String?

    @Option(parsing: .unconditional, help: "Tokens in each shard.")
    var shardTokens = TokenShardWriter.usualShardTokens

    func validate() throws {
      guard (1...1 << 30).contains(shardTokens) else {
        throw ValidationError(
          "--shard-tokens must be from 1 to \((1 << 30).grouped), not \(shardTokens.grouped)")
      }
      if data.isEmpty { throw ValidationError("name a text to cut up") }
    }

    func run() throws {
      try reportingErrors {
        let cutter = try BytePairTokenizer(path: tokenizer)
        try claims(cutter).check()
        var writer = try TokenShardWriter(
          folder: output, tokenizer: cutter, separator: separator, shardTokens: shardTokens)
        for path in data { try writer.add(path) }
        try writer.finish()
        printToStandardError(
          "\(output): \(writer.tokens.grouped) tokens of \(writer.characters.grouped) characters in "
            + "\(writer.shards) \(writer.shards == 1 ? "shard" : "shards")")
      }
    }

    /// Shards that are there are refused by their writer, and the same tokenizer stays as it is.
    private func claims(_ cutter: BytePairTokenizer) -> FileClaims {
      var claims = FileClaims()
      for path in data { claims.read(path, "a text") }
      let place = output + "/tokenizer.json"
      if (try? WholeFile.bytes(of: place)) != cutter.json {
        claims.read(tokenizer, "--tokenizer")
        claims.write(place, "the tokenizer of --output", over: .trainedTokenizer)
      }
      return claims
    }
  }
}

extension FileKind {
  /// One that moec wrote and that training gives again; not one that came from elsewhere.
  fileprivate static let trainedTokenizer = FileKind("a tokenizer that moec trained") { _, path in
    guard let bytes = try? WholeFile.bytes(of: path),
      let tokenizer = try? BytePairTokenizer(json: bytes, path: path)
    else { return false }
    return tokenizer.json == bytes
  }
}

/// A token that the tokenizer does not have.
private struct UnknownToken: ExplainedError {
  let number: Int32
  let count: Int
  var message: String { "the tokenizer has no token \(Int(number).grouped)" }
  var hint: String {
    "it has \(count.grouped), from 0 on; name the one that the tokens were made with, with --tokenizer"
  }
}

/// The texts are empty.
private struct NothingToLearn: ExplainedError {
  let paths: [String]
  var message: String {
    paths.count == 1 ? "\(paths[0]) is empty" : "\(paths.joined(separator: ", ")) are empty"
  }
  var hint: String { "name a text that has the words whose parts are to become tokens" }
}

/// What was given for a token is none.
private struct NotAToken: ExplainedError {
  let word: String
  var message: String { "'\(word)' is no token" }
  var hint: String { "tokens are numbers from 0 on, with spaces between them" }
}
