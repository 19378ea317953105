import Foundation
import SystemFiles

/// Which tensors of moec are which of another program, line by line:
///
///     # moec                                   the other program                         how
///     token.weight                             token_embedding_table.weight
///     block.{l}.attention.norm.{weight,bias}   blocks.{l}.ln1.{weight,bias}
///     block.{l}.attention.query.weight         blocks.{l}.sa.heads.{h}.query.weight      concatenate h
///     block.{l}.mixture.up.weight              blocks.{l}.smoe.experts.{e}.net.0.weight  stack e
///
/// `{l}` stands for a number, the same on both sides; `{a,b}` makes a line for each. A number that
/// only the other side has is joined along the first axis, which `stack` makes and `concatenate`
/// does not. After them `transpose` may swap the last two axes, and `optional` says that a model
/// need not have it. Lines that are no pair:
///
///     count h axis H                           how many pieces, by the model's axis or a number
///     ignore NAME                              of the other program, not read and not written
///     triangle NAME of position.weight         the same, but for `--buffers` it is written: ones on
///                                              and below the diagonal, [T, T] for a [T, …] of moec
public struct NameMap: Equatable, Sendable {
  struct Rule: Equatable, Sendable {
    var line: Int
    var ours: NamePattern
    var theirs: NamePattern
    /// The number that only the other side has.
    var joined: String?
    var stacks = false
    var transposes = false
    var isOptional = false
  }

  struct Extra: Equatable, Sendable {
    var name: NamePattern
    /// Our tensor whose first axis gives the size of a triangle.
    var size: String?
  }

  /// How many pieces a tensor is cut into.
  enum Count: Equatable, Sendable {
    case number(Int)
    case axis(String)
  }

  private(set) var rules: [Rule] = []
  private(set) var extras: [Extra] = []
  private(set) var counts: [String: Count] = [:]

  /// Parses a map; `path` is used in errors. Errors: the first line that makes no sense.
  public init(_ text: String, path: String) throws(NameMapError) {
    if MarkRuns.excessive(in: text.utf8) != nil {
      throw .badLine(path: path, line: 1, reason: "a character of the file has too many marks")
    }
    // A byte-order mark says how a file is written, and is no part of its text.
    let text = text.unicodeScalars.first == "\u{feff}" ? text.dropFirst() : text[...]
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let code = line.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)[0]
      let words = code.split(whereSeparator: \.isWhitespace).map(String.init)
      if words.isEmpty { continue }
      if let reason = add(words, line: index + 1) {
        throw .badLine(path: path, line: index + 1, reason: reason)
      }
    }
    if rules.isEmpty { throw .badLine(path: path, line: 1, reason: "it pairs no names") }
  }

  /// What is wrong with a line, if anything is.
  private mutating func add(_ words: [String], line: Int) -> String? {
    switch words[0] {
    case "count": return addCount(words)
    case "ignore", "triangle": return addExtra(words)
    default: return addRules(words, line: line)
    }
  }

  private mutating func addCount(_ words: [String]) -> String? {
    if words.count == 3, let number = Int(words[2]), number > 0 {
      counts[words[1]] = .number(number)
    } else if words.count == 4, words[2] == "axis" {
      counts[words[1]] = .axis(words[3])
    } else {
      return "'count h axis H' or 'count h 8' is expected"
    }
    return nil
  }

  private mutating func addExtra(_ words: [String]) -> String? {
    let isTriangle = words[0] == "triangle"
    guard words.count == (isTriangle ? 4 : 2), !isTriangle || words[2] == "of" else {
      return isTriangle ? "'triangle NAME of NAME' is expected" : "'ignore NAME' is expected"
    }
    guard let names = NamePattern.alternatives(words[1]) else { return NameMap.tooMany(words[1]) }
    guard extras.count + names.count <= NamePattern.most.alternatives else {
      return NameMap.tooManyLines
    }
    for text in names {
      guard let name = NamePattern(text) else { return "\(text) is no name" }
      extras.append(Extra(name: name, size: isTriangle ? words[3] : nil))
    }
    return nil
  }

  private mutating func addRules(_ words: [String], line: Int) -> String? {
    guard words.count > 1 else { return "two names are expected" }
    guard let left = NamePattern.alternatives(words[0]) else { return NameMap.tooMany(words[0]) }
    guard let right = NamePattern.alternatives(words[1]) else { return NameMap.tooMany(words[1]) }
    guard rules.count + left.count <= NamePattern.most.alternatives else {
      return NameMap.tooManyLines
    }
    guard left.count == right.count else {
      return "the two names have \(left.count) and \(right.count) alternatives"
    }
    for (ours, theirs) in zip(left, right) {
      guard let ours = NamePattern(ours), let theirs = NamePattern(theirs) else {
        return "\(words[0]) or \(words[1]) is no name"
      }
      var rule = Rule(line: line, ours: ours, theirs: theirs)
      if let reason = NameMap.read(words.dropFirst(2), into: &rule) { return reason }
      rules.append(rule)
    }
    return nil
  }

  private static func tooMany(_ name: String) -> String {
    "\(name.prefix(40))… is longer than \(NamePattern.most.bytes) bytes or means more than "
      + "\(NamePattern.most.alternatives) names"
  }

  private static let tooManyLines = "it pairs more than \(NamePattern.most.alternatives) names"

  private static func read(_ words: ArraySlice<String>, into rule: inout Rule) -> String? {
    var words = words
    while let word = words.popFirst() {
      switch word {
      case "stack", "concatenate":
        guard let variable = words.popFirst() else { return "\(word) what?" }
        rule.joined = variable
        rule.stacks = word == "stack"
      case "transpose": rule.transposes = true
      case "optional": rule.isOptional = true
      default: return "\(word) is none of stack, concatenate, transpose, optional"
      }
    }
    let expected = rule.ours.variables.union(rule.joined.map { [$0] } ?? [])
    guard rule.theirs.variables == expected, !rule.ours.variables.contains(rule.joined ?? "") else {
      return "numbers that only the other side has are joined, one for each line, and no others"
    }
    return nil
  }
}

/// Why tensors cannot be renamed.
public enum NameMapError: ExplainedError, Equatable {
  case unreadable(FileError)
  case unknown(name: String)
  case badLine(path: String, line: Int, reason: String)
  /// Neither side's names are in the file.
  case noMatch(path: String)
  case unfit(path: String, [String])

  public var message: String {
    switch self {
    case .unreadable(let error): return error.message
    case .unknown(let name): return "there are no names '\(name)', and no such file"
    case .badLine(let path, let line, let reason): return "\(path):\(line): \(reason)"
    case .noMatch(let path): return "\(path) has no tensor that the names know, on either side"
    case .unfit(let path, let problems): return "\(path): \(problems.joined(separator: "; "))"
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error): return error.hint
    case .unknown:
      return "the names are \(NameMap.builtIn.keys.sorted().joined(separator: ", ")), or a file's"
    case .badLine: return "see 'moec weights names makemoe' for an example"
    case .noMatch, .unfit: return "every tensor needs one line of the names, and every line tensors"
    }
  }
}
