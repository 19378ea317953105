import GraphIR

/// Puts a name before those of all layers made in the body: `attention.query`.
///
/// Scopes nest, and a name may be used again as long as its layers differ.
public func scope<Result>(
  _ name: String, file: String = #filePath, line: Int = #line, column: Int = #column,
  _ body: () -> Result
) -> Result {
  guard let tracer = Tracer.current else { return body() }
  let call = tracer.call("scope", file, line, column)
  if !Names.isLayer(name) {
    tracer.report("the name \"\(name)\" \(Names.problem(name))", call)
  }
  tracer.open(.init(name))
  defer { tracer.closeScope() }
  let result = body()
  return (result as? any Relocatable)?.relocated(to: call.site) as? Result ?? result
}

/// Applies the body `count` times, in scopes `name.0`, `name.1`, … so that each layer has its own
/// parameters.
///
/// Error: a negative count, or one above 4,096.
public func layers(
  _ name: String, _ count: Int, _ x: Tensor,
  file: String = #filePath, line: Int = #line, column: Int = #column,
  _ body: (Tensor) -> Tensor
) -> Tensor {
  layers(name, count, x, file: file, line: line, column: column) { x, _ in body(x) }
}

/// The same with the number of each layer, from 0 on, for layers that differ: the first ones dense, or a
/// mixture in every second.
///
///     layers("block", 8, x) { x, index in index < 1 ? dense(x) : mixture(x) }
///
/// Equal ones are one function in C. Error: a negative count, or one above 4,096.
public func layers(
  _ name: String, _ count: Int, _ x: Tensor,
  file: String = #filePath, line: Int = #line, column: Int = #column,
  _ body: (Tensor, Int) -> Tensor
) -> Tensor {
  let tracer = x.tracer
  let call = tracer.call("layers", file, line, column)
  guard tracer.checkLayers(name, count, call) else { return tracer.poison(call.site) }
  var result = x
  for index in 0..<count {
    tracer.open(.init(name, index))
    result = body(result, index)
    tracer.closeScope()
  }
  return result.relocated(to: call.site)
}

extension Tracer {
  fileprivate func checkLayers(_ name: String, _ count: Int, _ call: Call) -> Bool {
    if !Names.isLayer(name) {
      report("the name \"\(name)\" \(Names.problem(name))", call)
      return false
    }
    if (0...4096).contains(count) { return true }
    report("expected 0 to 4096 layers, got \(count)", call)
    return false
  }
}
