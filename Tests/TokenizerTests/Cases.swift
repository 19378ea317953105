import Foundation

/// What `Fixtures/make_fixtures.py` found out from the `tokenizers` package.
struct Cases: Decodable {
  var texts: [String]
  var tokenizers: [TokenizerCase]
  var trainings: [Training]
  var bytes: [Bytes]
  /// First and last character of each run, by class.
  var classes: [String: [[Int]]]

  struct TokenizerCase: Decodable, CustomStringConvertible, Sendable {
    var name: String
    /// The file that is read.
    var given: String
    /// The file as the package writes it.
    var file: String
    /// The tokens of each text.
    var tokens: [[Int32]]
    /// The texts of these tokens, special ones left out.
    var decoded: [String]
    var random: [Random]
    var description: String { name }
  }

  struct Random: Decodable, Sendable {
    var tokens: [Int32]
    var text: String
  }

  struct Training: Decodable, CustomStringConvertible, Sendable {
    var text: String
    var size: Int
    var special: [String]
    var lines: Bool
    var file: String
    var description: String { "\(text.prefix(12)) \(size)" }
  }

  struct Bytes: Decodable {
    var bytes: [UInt8]
    var tokens: [Int32]
  }

  static let all: Cases = {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/cases.json")
    do {
      return try JSONDecoder().decode(Cases.self, from: Data(contentsOf: path))
    } catch {
      // Tests over no cases would pass: an empty list is refused by `everyCaseIsThere`.
      print("cases.json cannot be read: \(error)")
      return Cases(texts: [], tokenizers: [], trainings: [], bytes: [], classes: [:])
    }
  }()
}

/// Strings as they are in memory: `==` takes different spellings of a character for equal.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
