import GraphIR
import Planning

/// The library's description of itself, as JSON: what the runner knows of a model.
struct ManifestText {
  let context: Context
  private var plan: Plan { context.plan }
  private var graph: Graph { plan.graph }

  init(_ context: Context) { self.context = context }

  /// The JSON, one parameter a line.
  var json: String {
    let optimizer = graph.optimizer
    let memory = plan.memory
    return """
      {"abi":1,"name":\(Self.quoted(graph.name)),
      "axes":{\(graph.symbols.map { "\(Self.quoted($0.name)):\($0.size)" }.joined(separator: ","))},
      "parameters":[
      \(plan.parameters.map(parameter).joined(separator: ",\n"))
      ],
      "defaults":{"learning_rate":\(optimizer.learningRate),"beta1":\(optimizer.beta1),"beta2":\(optimizer.beta2),\
      "epsilon":\(optimizer.epsilon),"weight_decay":\(optimizer.weightDecay)},
      "vocabulary":\(graph.vocabulary.size),"context":\(graph.context.size),"batch":\(graph.batch.size),
      "memory":{"parameters":\(memory.parameters),"gradients":\(memory.gradients),"optimizer":\(memory.optimizer),\
      "saved":\(memory.saved),"scratch":\(memory.scratch),"total":\(memory.total)},
      "flops":{"forward":\(flops(.forward)),"step":\(flops(.forward) + flops(.backward))},
      "active_parameters":\(plan.activeParameters),
      "accumulates":\(plan.accumulates),\(routers)
      "compiler":\(Self.quoted(context.options.compilerLine)),
      "source":\(Self.quoted(context.options.sourceName))\(vocabularyLine)}
      """
  }

  /// The JSON as C string literals, a line each.
  var literal: String {
    json.split(separator: "\n").map { "    " + CNames.literal(String($0)) }.joined(separator: "\n")
  }

  /// Which layers route: path, experts, choices of a token, capacity factor if there is one.
  private var routers: String {
    let lines = plan.routers.map { name, router in
      let capacity = router.capacity.map { ",\"capacity\":\($0)" } ?? ""
      return "{\"name\":\(Self.quoted(name)),\"experts\":\(router.experts.size),"
        + "\"choices\":\(router.choices.size)\(capacity)}"
    }
    return lines.isEmpty ? "" : "\n\"routers\":[\n" + lines.joined(separator: ",\n") + "\n],"
  }

  private var vocabularyLine: String {
    guard let location = graph.vocabularyLocation else { return "" }
    return ",\n\"vocabulary_line\":\(Self.quoted("\(location.file):\(location.line)"))"
  }

  private func parameter(_ parameter: PlannedParameter) -> String {
    let axes = parameter.type.axes.map { Self.quoted($0.description) }.joined(separator: ",")
    let shape = parameter.type.shape.map(String.init).joined(separator: ",")
    return "{\"name\":\(Self.quoted(parameter.name)),\"shape\":[\(shape)],\"axes\":[\(axes)],"
      + "\"init\":\(Self.quoted("\(parameter.initializer)")),\"decay\":\(parameter.decays),"
      + "\"steps\":\(parameter.stepCount),\"role\":\"\(parameter.role.rawValue)\"}"
  }

  private func flops(_ phase: Phase) -> Int { graph.flops(phase) }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..<" ": result += " "
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension ModelFile {
  var manifest: String {
    """
    const char *moec_manifest(void) {
        return
    \(ManifestText(context).literal);
    }
    """
  }
}
