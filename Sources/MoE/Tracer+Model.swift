import GraphIR

extension Tracer {
  /// Checks what a model declares of itself.
  func checkModel(_ axes: [Axis], _ call: Call) {
    let name = builder.graph.name
    if !Names.isModel(name) {
      let rule = "must be a letter followed by letters, digits, - and _"
      report("the name \(name.debugDescription) \(Names.problem(name, rule: rule))", call)
    }
    for axis in axes { _ = use(axis, call) }
    check(linearWeights, call)
    for message in Self.problems(of: builder.graph.optimizer) { report(message, call) }
  }

  /// What a library would refuse, which has the numbers in single precision.
  private static func problems(of optimizer: Optimizer) -> [String] {
    let (rate, decay) = (optimizer.learningRate, optimizer.weightDecay)
    let (positive, share) = (Float.leastNonzeroMagnitude..., 0..<Float(1))
    let normal = Float.leastNormalMagnitude...
    let numbers: [(String, Double, String, Bool)] = [
      ("learningRate", rate, "above 0", positive.contains(Float(rate))),
      ("beta1", optimizer.beta1, "in 0 ..< 1", share.contains(Float(optimizer.beta1))),
      ("beta2", optimizer.beta2, "in 0 ..< 1", share.contains(Float(optimizer.beta2))),
      (
        "epsilon", optimizer.epsilon, "from \(normal.lowerBound) on",
        normal.contains(Float(optimizer.epsilon))
      ),
      ("weightDecay", decay, "from 0 on", decay >= 0),
    ]
    let problems = numbers.filter { !($0.3 && Float($0.1).isFinite) }.map {
      "\($0.0) must be a finite number \($0.2) in single precision, got \($0.1)"
    }
    guard problems.isEmpty, Double(Float(rate)) * Double(Float(decay)) > 1 else { return problems }
    return [
      "learningRate times weightDecay must be at most 1 in single precision, got \(rate) times \(decay)"
    ]
  }

  /// The model's inputs.
  func text(_ call: Call) -> Text {
    let graph = builder.graph
    var tokens = tensor(.input(Input(.tokens, [graph.batch, graph.context])), [], call)
    tokens.entries = graph.vocabulary
    var positions = tensor(.input(Input(.positions, [graph.context])), [], call)
    positions.entries = graph.context
    self.tokens = (tokens.value, call.site)
    return Text(tokens: tokens, positions: positions)
  }

  /// The targets, i32[B, T]: one node, where the tokens are.
  func textTargets(_ call: Call) -> Tensor {
    if targets == nil {
      let (graph, site) = (builder.graph, tokens?.site ?? call.site)
      targets =
        emit(
          .input(Input(.targets, [graph.batch, graph.context])), [],
          Call(name: "LanguageModel", site: site, scope: ""), home: tokens?.value)?.first
    }
    return Tensor(self, targets, call.made)
  }

  /// Lets the parameters keep their values that the model says so of.
  private func freeze(_ call: Call) {
    if frozen.isEmpty { return }
    let (graph, unfit) = builder.graph.frozen(frozen)
    builder = GraphBuilder(graph)
    for pattern in unfit {
      let error = graph.noSuchParameter(pattern, "frozen:")
      report(error.message, call, hint: error.hint)
    }
  }

  /// Binds the logits, and adds the loss and the objective.
  func finish(_ logits: Tensor, _ call: Call) {
    checkStates()
    freeze(call)
    let graph = builder.graph
    let expected = TensorType.f32(graph.batch, graph.context, graph.vocabulary)
    guard let value = logits.value, let type = logits.type else { return }
    guard logits.tracer === self, type == expected else {
      report(
        "LanguageModel: expected logits \(expected), got \(type)", at: logits.site,
        hint: "the closure ends with a linear layer to the vocabulary")
      return
    }
    if case .parameter(let parameter) = builder.graph.nodes[value.node].op {
      report(
        "LanguageModel: the logits are \"\(parameter.name)\" itself, the same for every text",
        at: logits.site, hint: "compute them from text.tokens")
      return
    }
    if let site = countedAt, dependsOnTargets(value) {
      report(
        "LanguageModel: the logits depend on the targets, which are not there when text is written",
        at: site, hint: "keep text.counted() to auxiliary and states")
      return
    }
    let targets = textTargets(call)
    var lossCall = call
    lossCall.scope = "loss"
    let loss = tensor(.crossEntropy(CrossEntropy()), [logits, targets], lossCall)
    builder.bind(.logits, to: value)
    guard let loss = loss.value else { return }
    builder.bind(.loss, to: loss)
    bindObjective(loss, lossCall)
  }

  /// Whether a value is made of what the model knows of its targets.
  private func dependsOnTargets(_ value: Value) -> Bool {
    let nodes = builder.graph.nodes
    var isBehind = nodes.map { _ in false }
    isBehind[value.node] = true
    for index in nodes.indices.reversed() where isBehind[index] {
      if case .counted = nodes[index].op { return true }
      for input in nodes[index].inputs { isBehind[input.node] = true }
    }
    return false
  }
}
