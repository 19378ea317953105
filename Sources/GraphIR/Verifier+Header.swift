extension Verifier {
  static func checkHeader(_ graph: Graph) throws(Diagnostic) {
    do throws(Mismatch) {
      guard !graph.name.isEmpty else { throw Mismatch("the graph has no name") }
      try checkPrintable("the graph's name", graph.name)
      try checkOptimizer(graph.optimizer)
      try checkSettings(graph.settings)
    } catch {
      throw Diagnostic(at: nil, error.message, hint: error.hint)
    }
    do throws(Mismatch) {
      var axes = AxisChecker()
      for axis in [graph.batch, graph.context, graph.vocabulary] { try axes.check(axis) }
    } catch {
      throw Diagnostic(at: graph.vocabularyLocation, error.message, hint: error.hint)
    }
  }

  /// As libraries have the numbers, in single precision.
  private static func checkOptimizer(_ optimizer: Optimizer) throws(Mismatch) {
    let beyond = Double(Float.greatestFiniteMagnitude).nextUp
    func check(_ name: String, _ number: Double, _ range: Range<Double>) throws(Mismatch) {
      try checkRange(name, Double(Float(number)), range)
    }
    try check("learning rate", optimizer.learningRate, 0..<beyond)
    try check("beta1", optimizer.beta1, 0..<1)
    try check("beta2", optimizer.beta2, 0..<1)
    try check("epsilon", optimizer.epsilon, Double(Float.leastNormalMagnitude)..<beyond)
    try check("weight decay", optimizer.weightDecay, 0..<beyond)
    try check(
      "learning rate times weight decay", optimizer.learningRate * optimizer.weightDecay,
      0..<1.0.nextUp)
  }

  private static func checkSettings(_ settings: [ModelSetting]) throws(Mismatch) {
    var names: Set<String> = []
    for setting in settings {
      try checkPrintable("the setting", setting.name)
      try checkPrintable("the help of setting \(setting.name)", setting.help)
      guard names.insert(setting.name).inserted else {
        throw Mismatch("two settings are named \(setting.name.quoted)")
      }
      for value in [setting.value, setting.usual] where !setting.allows(value) {
        throw Mismatch("the setting \(setting.name) cannot be \(value)")
      }
    }
  }

  private static func checkRange(
    _ what: String, _ value: Double, _ range: Range<Double>
  ) throws(Mismatch) {
    guard range.contains(value) else {
      throw Mismatch("the optimizer's \(what) cannot be \(value)")
    }
  }
}

/// Checks axes one after another, remembering the size of every name.
struct AxisChecker {
  private var sizes: [String: Int] = [:]

  /// Positions along an axis and elements of a tensor stay below this.
  static let bound = Int(Int32.max)

  mutating func check(_ axis: Axis) throws(Mismatch) {
    for symbol in axis.symbols { try check(symbol) }
    let parts = "\(axis.multiplier)/\(axis.divisor) + \(axis.offset)"
    guard axis.multiplier > 0, axis.divisor > 0, axis.offset >= 0 else {
      throw Mismatch("axis \(axis) has a factor, divisor or offset out of range: \(parts)")
    }
    guard axis.isWhole else {
      throw Mismatch(
        "axis \(axis) has no whole size: \(axis.symbols.map(Self.size).joined(separator: ", "))")
    }
    guard axis.size > 0, axis.size <= Self.bound else {
      throw Mismatch("axis \(axis) has size \(axis.size), expected 1 to \(Self.bound)")
    }
  }

  private static func size(of symbol: Axis.Symbol) -> String { "\(symbol.name) is \(symbol.size)" }

  private mutating func check(_ symbol: Axis.Symbol) throws(Mismatch) {
    let name = symbol.name
    guard let first = name.utf8.first, first.beginsName, name.utf8.allSatisfy(\.continuesName)
    else {
      throw Mismatch(
        "axis name \(name.quoted) must be a letter or underscore, then letters, digits and"
          + " underscores")
    }
    guard symbol.size > 0, symbol.size <= Self.bound else {
      throw Mismatch("axis \(name) has size \(symbol.size), expected 1 to \(Self.bound)")
    }
    if let size = sizes[name], size != symbol.size {
      throw Mismatch("axis \(name) has two sizes, \(size) and \(symbol.size)")
    }
    sizes[name] = symbol.size
  }

  /// Checks the axes of a type and the number of its elements.
  mutating func check(_ type: TensorType) throws(Mismatch) {
    for axis in type.axes { try check(axis) }
    if let experts = type.experts { try check(experts) }
    var count = 1
    for axis in type.axes {
      // Both factors are below 2³¹, so the product fits.
      count *= axis.size
      guard count <= Self.bound else {
        throw Mismatch(
          "\(type) has too many elements, \(type.axes.map(\.named).joined(separator: " by "))",
          hint: "a tensor holds at most \(Self.bound) elements; choose smaller axes")
      }
    }
  }
}
