import ArgumentParser
import Driver
import GraphIR
import JSON
import Search
import SystemFiles

/// The space of a search, from what was typed and what the model and its training know.
struct SpaceReader {
  /// The model's settings, with the values that `--set` gave.
  var settings: [ModelSetting]
  /// Names that `--set` gave: they are no parameters then.
  var fixed: Set<String>

  /// Options of training that a trial may differ in.
  static let training = [
    "learning-rate", "weight-decay", "schedule", "warmup", "final-learning-rate", "decay-steps",
    "decay-form", "clip", "accumulate", "ema", "no-decay", "seed",
  ]

  /// Errors: what is wrong with a parameter or a condition.
  func space(_ words: [String], _ conditions: [String]) throws -> SearchSpace {
    let texts = try words.flatMap(Self.texts)
    let dimensions = try texts.map { try checked(try Dimension(parsing: $0)) }
    let space = try SearchSpace(dimensions, try conditions.map { try Condition(parsing: $0) })
    for condition in space.conditions { try check(condition, space) }
    return space
  }

  /// Names and values of a word, or of the JSON file that it names.
  private static func texts(_ word: String) throws -> [String] {
    guard !word.contains("=") else { return [word] }
    let bytes = try WholeFile.bytes(ofFileOrPipe: word)
    guard let members = try? JSON.parse(bytes).members else {
      throw SearchError(
        "\(word) holds no space",
        hint: "write {\"experts\": [2, 4, 8], \"learning-rate\": \"1e-4..1e-2:log\"}")
    }
    return try members.map { member in
      let values = (member.value.elements ?? [member.value]).map { value in
        switch value {
        case .number(let digits): String(decoding: digits, as: UTF8.self)
        case .string(let text): String(decoding: text, as: UTF8.self)
        case .bool(let flag): "\(flag)"
        case .array, .object, .null: ""
        }
      }
      guard !values.contains("") else {
        throw SearchError(
          "\(word): \(member.name) is no list of values", hint: "write [2, 4, 8] or \"1..16\"")
      }
      return "\(member.name)=\(values.joined(separator: ","))"
    }
  }

  private func checked(_ dimension: Search.Dimension) throws -> Search.Dimension {
    if let setting = settings.first(where: { $0.name == dimension.name }) {
      guard !fixed.contains(dimension.name) else {
        throw SearchError(
          "\(dimension.name) is in --set and in --space", hint: "give it in one of them")
      }
      var dimension = dimension
      if case .number = setting.usual { dimension = dimension.asNumbers }
      for value in Self.ends(dimension) {
        do throws(Mismatch) {
          _ = try setting.value(of: "\(value)")
        } catch {
          throw SearchError("\(dimension.text): \(error.message)", hint: error.hint ?? setting.kind)
        }
      }
      return dimension
    }
    guard Self.training.contains(dimension.name) else { throw unknown(dimension.name) }
    for value in Self.ends(dimension) {
      do {
        _ = try RunCommand.parse(["lib.so", "--train", "--\(dimension.name)", "\(value)"])
      } catch {
        let reason = RunCommand.message(for: error).split(separator: "\n").first.map(String.init)
        throw SearchError(
          "\(dimension.text): \(reason ?? "it is no option")", hint: "see moec run --help")
      }
    }
    let wholes: Set = ["warmup", "decay-steps", "accumulate", "seed"]
    return wholes.contains(dimension.name) ? dimension : dimension.asNumbers
  }

  private func unknown(_ name: String) -> SearchError {
    let known = settings.map(\.name) + Self.training
    let own = settings.isEmpty ? "no settings" : settings.map(\.name).joined(separator: ", ")
    let size = ["batch": ", or accumulate of training", "context": ""][name].map {
      "sizes are settings of the model: Axis(…, Setting(\"\(name)\", 16))" + $0
    }
    return SearchError(
      "there is nothing called \(name) to search",
      hint: size ?? Spelling.nearest(to: name, among: known).map { "did you mean \($0)?" }
        ?? "the model has \(own); of training there are \(Self.training.joined(separator: ", "))")
  }

  /// Values that must be right for all to be so.
  private static func ends(_ dimension: Search.Dimension) -> [TrialValue] {
    switch dimension.values {
    case .choices(let choices): choices
    case .whole(let range, _, _): [.whole(range.lowerBound), .whole(range.upperBound)]
    case .number(let range, _, _): [.number(range.lowerBound), .number(range.upperBound)]
    }
  }

  private func check(_ condition: Condition, _ space: SearchSpace) throws {
    let names = space.dimensions.map(\.name) + settings.map(\.name)
    let words = Set(
      space.dimensions.flatMap { dimension -> [String] in
        guard case .choices(let choices) = dimension.values else { return [] }
        return choices.map(\.description)
      }
        + settings.flatMap { setting -> [String] in
          guard case .words(let words) = setting.choices else { return [] }
          return words
        })
    for word in condition.words where !names.contains(word) && !words.contains(word) {
      throw SearchError(
        "\(condition.text): there is no parameter \(word)",
        hint: "conditions are between \(names.joined(separator: ", "))")
    }
    if condition.isOrdering, let word = condition.words.first(where: { !isNumber($0, space) }) {
      throw SearchError(
        "\(condition.text): \(word) is a word, and has no order", hint: "compare words by == or !=")
    }
  }

  /// Whether a name or value of a condition may stand for a number.
  private func isNumber(_ word: String, _ space: SearchSpace) -> Bool {
    if let dimension = space[word] {
      guard case .choices(let choices) = dimension.values else { return true }
      return choices.contains { $0.asNumber != nil }
    }
    guard let setting = settings.first(where: { $0.name == word }) else { return false }
    guard case .word = setting.usual else { return true }
    return false
  }

  /// Values of settings that are no parameters, for conditions.
  func constants(_ space: SearchSpace) -> TrialValues {
    settings.reduce(into: [:]) { values, setting in
      if space[setting.name] == nil { values[setting.name] = TrialValue("\(setting.value)") }
    }
  }
}
