import GraphIR

/// Applies rules to a model, but for what its source marks as intended.
///
///     let scale = 1 / Double(C.size).squareRoot()    // moec:intended attention-scale: as meant
///
/// A mark names one rule or several with commas between them, and holds for its own line and for
/// the next one with code. One that silences nothing is a warning itself.
public struct Linter: Sendable {
  public var rules: [Rule]

  /// The name of the warning about a mark that silences nothing.
  public static let unneededMark = "unneeded-mark"

  public init(_ rules: [Rule] = Rule.allCases) { self.rules = rules }

  /// Lints a model.
  ///
  /// - Parameters:
  ///   - source: the model's text, with the marks, and its helpers'.
  ///   - path: how messages name its file; nil: as the graph does.
  public func lint(_ subject: Subject, source: ModelSource, path: String? = nil) -> LintReport {
    var marks = Mark.all(in: source.model)
    marks += source.helpers.flatMap { Mark.all(in: $0.text, of: $0) }
    var warnings: [Warning] = []
    var seen: Set<String> = []
    for rule in rules {
      for finding in rule.definition.findings(in: subject) {
        let location = subject.graph.nodes[finding.node].location
        let isSilent = silence(rule, location, location.flatMap(source.helper), &marks)
        // Layers that are made by one line say the same.
        let key = "\(rule.rawValue) \(location?.description ?? "")"
        guard seen.insert(key).inserted, !isSilent else { continue }
        warnings.append(
          Warning(
            location: location, rule: rule.rawValue, message: finding.message,
            hint: finding.hint ?? rule.definition.wayOut))
      }
    }
    let file = path ?? subject.graph.nodes.first?.location?.file ?? "model"
    for index in warnings.indices {
      let helper = warnings[index].location.flatMap(source.helper)
      warnings[index].location?.file = helper?.path ?? file
    }
    warnings += marks.flatMap { unneeded($0, file) }
    return LintReport(
      errors: marks.flatMap { Self.errors(of: $0, file) },
      warnings: warnings.sorted { Self.order($0, file) < Self.order($1, file) })
  }

  private func silence(
    _ rule: Rule, _ location: SourceLocation?, _ helper: ModelSource.File?, _ marks: inout [Mark]
  ) -> Bool {
    guard let location else { return false }
    var isSilent = false
    for index in marks.indices
    where marks[index].names.contains(rule.rawValue) && marks[index].lines.contains(location.line)
      && marks[index].helper == helper
    {
      marks[index].used.insert(rule.rawValue)
      isSilent = true
    }
    return isSilent
  }

  private func unneeded(_ mark: Mark, _ file: String) -> [Warning] {
    let names = mark.names.filter { name in
      !mark.used.contains(name) && rules.contains { $0.rawValue == name }
    }
    return names.map { name in
      Warning(
        location: SourceLocation(
          file: mark.helper?.path ?? file, line: mark.line, column: mark.column),
        rule: Self.unneededMark, message: "\(name) has nothing to silence here",
        hint: "remove the mark, or put it on the line of the warning or the one above")
    }
  }

  private static func errors(of mark: Mark, _ file: String) -> [Diagnostic] {
    let location = SourceLocation(
      file: mark.helper?.path ?? file, line: mark.line, column: mark.column)
    let list = "the rules are " + Rule.allCases.map(\.rawValue).joined(separator: ", ")
    if mark.names.isEmpty {
      return [Diagnostic(at: location, "moec:intended names no rule", hint: list)]
    }
    return mark.names.filter { Rule(rawValue: $0) == nil }.map {
      Diagnostic(at: location, "there is no rule \"\($0)\"", hint: list)
    }
  }

  /// The model's own file comes first, then helpers by name.
  private static func order(_ warning: Warning, _ file: String) -> (String, Int, Int, String) {
    let place = warning.location
    let helper = place.flatMap { $0.file == file ? nil : $0.file } ?? ""
    return (helper, place?.line ?? 0, place?.column ?? 0, warning.rule)
  }
}
