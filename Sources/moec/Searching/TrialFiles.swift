import Foundation
import Search
import SystemFiles
import Toolchain

/// What tells the files that all trials read from others that have their names by now.
struct TrialFiles: Sendable {
  let model: String
  let training: RunCommand
  /// Of the model and its helpers.
  let source: String
  /// Of what options of training name.
  let contents: [String: String]

  /// Errors: the model cannot be read.
  init(model: String, training: RunCommand) throws {
    (self.model, self.training) = (model, training)
    source = try Self.source(model)
    contents = Self.contents(training)
  }

  /// Errors: somebody has changed one of them since the search began: what is trained now could not be compared
  /// with what was trained before.
  func check() throws {
    let changed =
      (try? Self.source(model)) != source
      ? "the model's source" : Self.contents(training) != contents ? "what training reads" : nil
    guard let changed else { return }
    throw SearchError(
      "\(changed) has changed since the search began",
      hint:
        "put it back, and the same command goes on; or begin a study of its own with --study FOLDER"
    )
  }

  private static func source(_ model: String) throws -> String {
    let files = try ModelFiles(model).all
    return ContentKey(try files.map { ("source", Data(try WholeFile.bytes(of: $0))) }).digest
  }

  private static func contents(_ command: RunCommand) -> [String: String] {
    let files = [
      ("data", command.dataFiles), ("validation", paths(command.conversations.validation)),
      ("template", paths(command.conversations.template)), ("tokenizer", paths(command.tokenizer)),
      ("weights", paths(command.weights)),
    ]
    return files.reduce(into: [:]) { contents, file in
      let parts = file.1.compactMap(digest)
      if !parts.isEmpty { contents[file.0] = ContentKey(parts.map { ("part", $0) }).digest }
    }
  }

  private static func paths(_ path: String?) -> [String] { path.map { [$0] } ?? [] }

  private static let pieces = 16
  private static let pieceSize = 1 << 16

  /// Of a small file all of it, of a large one its size and pieces that are evenly spread; nil if it cannot be
  /// read, of which its reader has to say more.
  private static func digest(_ path: String) -> String? {
    guard let file = try? InputFile(path: path) else { return nil }
    var bytes: [UInt8] = []
    if file.size <= pieces * pieceSize {
      guard let all = try? file.bytes(0..<file.size) else { return nil }
      bytes = all
    } else {
      for piece in 0..<pieces {
        let start = (file.size - pieceSize) / (pieces - 1) * piece
        guard let part = try? file.bytes(start..<start + pieceSize) else { return nil }
        bytes += part
      }
    }
    return ContentKey([("size", Data("\(file.size)".utf8)), ("bytes", Data(bytes))]).digest
  }
}
