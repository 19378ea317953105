extension Dimension {
  /// Reads what `--space` takes. Errors: what is wrong with it.
  public init(parsing text: String) throws(SearchError) {
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
      throw SearchError(
        "\(text) is no parameter of a search",
        hint: "write NAME=VALUES, such as experts=2,4,8 or learning-rate=1e-4..3e-3:log")
    }
    let name = String(text[..<equals])
    let rest = text[text.index(after: equals)...]
    let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
    let options = try Options(parts.dropFirst(), of: name, text)
    try self.init(name, parts[0], options, text)
  }

  private init(
    _ name: String, _ values: Substring, _ options: Options, _ text: String
  ) throws(SearchError) {
    func refused(_ reason: String) -> SearchError {
      SearchError("\(text): \(reason)", hint: "write values as 2,4,8, 1..16 or 1e-4..1e-2:log")
    }
    (self.name, self.text, points) = (name, text, options.points)
    guard let dots = values.firstRange(of: "..") else {
      let words = values.split(separator: ",", omittingEmptySubsequences: false)
      guard options.isEmpty else { throw refused("a list takes no :log, :step or :points") }
      guard !words.contains("") else { throw refused("a value is missing") }
      let choices = words.map { TrialValue($0) }
      guard Set(choices).count == choices.count else { throw refused("a value is there twice") }
      self.values = .choices(choices)
      return
    }
    let ends = (TrialValue(values[..<dots.lowerBound]), TrialValue(values[dots.upperBound...]))
    guard let low = ends.0.asNumber, let high = ends.1.asNumber else {
      throw refused("a range has a number at each end")
    }
    guard low < high else { throw refused("a range begins below its end") }
    if options.isLogarithmic, low <= 0 { throw refused(":log needs a range above 0") }
    if options.isLogarithmic, options.step != nil { throw refused(":log takes no :step") }
    guard (high - low).isFinite else { throw refused("the range is too long") }
    if let step = options.step {
      guard step <= high - low else { throw refused("the step is beyond the range") }
      guard (high - low) / step < 0x1p53 else { throw refused("the range has too many steps") }
    }
    if case (.whole(let first), .whole(let last)) = ends,
      options.step.map({ $0 == $0.rounded() }) ?? true
    {
      guard last.subtractingReportingOverflow(first).overflow == false else {
        throw refused("the range is too long")
      }
      guard let step = Int(exactly: options.step ?? 1) else {
        throw refused("the step is beyond the range")
      }
      self.values = .whole(first...last, step: step, isLogarithmic: options.isLogarithmic)
    } else {
      self.values = .number(low...high, step: options.step, isLogarithmic: options.isLogarithmic)
    }
  }

  /// What stands after colons.
  private struct Options {
    var isLogarithmic = false
    var step: Double?
    var points: Int?

    var isEmpty: Bool { !isLogarithmic && step == nil && points == nil }

    init(_ words: ArraySlice<Substring>, of name: String, _ text: String) throws(SearchError) {
      var names: Set<Substring> = []
      for word in words {
        let parts = word.split(separator: "=", maxSplits: 1)
        let number = parts.count == 2 ? Double(parts[1]) : nil
        guard names.insert(parts.first ?? "").inserted else {
          throw SearchError(
            "\(text): :\(parts.first ?? "") is there twice", hint: "leave one of the two")
        }
        if word == "log" {
          isLogarithmic = true
        } else if parts.first == "step", let number, number > 0, number.isFinite {
          step = number
        } else if parts.first == "points", let number, let count = Int(exactly: number),
          (1...1000).contains(count)
        {
          points = count
        } else {
          throw SearchError(
            "\(text): \(word) is no option of a range",
            hint: "there are :log, :step=NUMBER and :points=COUNT")
        }
      }
    }
  }
}
