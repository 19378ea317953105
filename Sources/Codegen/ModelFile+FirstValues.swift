import Planning

/// What `moec_initialize` depends on.
extension ModelFile {
  /// Whether parameters lie in memory as the model makes them, one after the other.
  private var areInOrder: Bool {
    plan.parameters.enumerated().allSatisfy { $0.offset == $0.element.number }
  }

  /// The random stream of parameter i's first values.
  var stream: String { areInOrder ? "i" : "drawn_as[i]" }

  /// The table of these streams; nothing where they are the parameters' places.
  var drawnAs: String {
    if areInOrder { return "" }
    let numbers = plan.parameters.map { String($0.number) }
    let lines = stride(from: 0, to: numbers.count, by: 10).map { first in
      "    " + numbers[first..<min(first + 10, numbers.count)].joined(separator: ", ") + ","
    }
    return """
      // Which one of the model's parameters each is: its first values are drawn from the stream of that number.
      static const int drawn_as[MODEL_PARAMETERS] = {
      \(lines.joined(separator: "\n"))
      };


      """
  }

  /// What `moec_initialize` forgets of routes and of an earlier text.
  var forgetting: String {
    let routes = ["m->replay_tokens = 0;", "memset(m->routes.load, 0, sizeof m->routes.load);"]
    return (hasRouters ? routes.map { "\n    " + $0 } : []).joined() + forgettingRows
  }
}
