import Foundation
import JSON
import SystemFiles

/// What lies beside a model's weights for chats: its template, and the texts that the template asks for.
public struct ChatFiles: Sendable {
  /// Where the template is, or would be.
  public let path: String
  /// Nil where there is none.
  public let template: ChatTemplate?
  /// Texts such as `bos_token`, of tokenizer_config.json; none where there is no such file.
  public let facts: [String: String]
  /// Where those texts are; nil where there are none.
  public let factsPath: String?

  public static let templateName = "chat_template.jinja"
  public static let factsName = "tokenizer_config.json"

  /// Reads the files beside some weights, or the template that is named; the texts are then those beside
  /// the weights, or else those beside the template.
  ///
  /// Errors: a named template that cannot be read; a template or texts that are not understood.
  public init(beside weights: String?, template named: String? = nil) throws {
    path =
      named ?? weights.map { Self.folder(of: $0) + "/" + Self.templateName } ?? Self.templateName
    let isThere = FileManager.default.fileExists(atPath: path)
    if named == nil && (weights == nil || !isThere) {
      template = nil
    } else {
      template = try ChatTemplate(String(decoding: try WholeFile.bytes(of: path), as: UTF8.self))
    }
    let places = [weights, named].compactMap { $0 }.map {
      Self.folder(of: $0) + "/" + Self.factsName
    }
    factsPath = places.first { FileManager.default.fileExists(atPath: $0) }
    facts = try factsPath.map(Self.facts) ?? [:]
  }

  private static func facts(of path: String) throws -> [String: String] {
    let bytes = try WholeFile.bytes(of: path)
    var facts: [String: String] = [:]
    do throws(JSON.Failure) {
      if let offset = MarkRuns.excessive(in: bytes) {
        throw JSON.Failure(offset: offset, reason: "a character has too many marks")
      }
      guard let members = try JSON.parse(bytes).members else {
        throw JSON.Failure(offset: 0, reason: "an object is expected")
      }
      for member in members where member.name.hasSuffix("_token") {
        facts[member.name] = member.value.name ?? member.value["content"]?.name
      }
    } catch {
      throw TemplateError.badFacts(path: path, reason: "\(error.reason) at byte \(error.offset)")
    }
    return facts
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
