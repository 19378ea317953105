import GraphIR
import Planning

/// What a pass leaves, for the functions of the interface.
extension ModelFile {
  var results: String {
    let loss = Self.function(
      "float model_loss", place { $0 == .loss }.map { "\($0)[0]" }, otherwise: "NAN")
    let logits = Self.function(
      "const float *model_logits", place { $0 == .logits }, otherwise: "NULL")
    return
      (["// What a pass left, in the lane in which it was made.", loss, logits]
      + [objectiveFunction, termsFunction].compactMap(\.self)
      + ["", badLayerFunction]).joined(separator: "\n")
  }

  /// What is differentiated, where it is not the loss alone.
  private var objectiveFunction: String? {
    place { $0 == .objective }.map {
      "float model_objective(const moec_model *m) { return m->layers->\($0)[0]; }"
    }
  }

  /// Copies the terms out, in the graph's order.
  private var termsFunction: String? {
    let terms = plan.graph.terms
    if terms.isEmpty { return nil }
    let lines = terms.enumerated().map { index, term in
      let place = place { $0 == .term(name: term.name, weight: term.weight) } ?? ""
      return "    out[\(index)] = m->layers->\(place)[0];"
    }
    return (["", "void model_terms(const moec_model *m, float *out) {"] + lines + ["}"])
      .joined(separator: "\n")
  }

  /// Where each state finds what its rule made, in lines of `model_bind`.
  var stateBindings: [String] {
    plan.parameters.enumerated().filter { $0.element.update == .rule }.flatMap { index, state in
      let made = place { $0 == .state(state.name) } ?? ""
      return ["m->made[\(index)] = m->layers->\(made);"]
        + (state.signStep.map { ["m->sign_step[\(index)] = \(CNames.float($0));"] } ?? [])
    }
  }

  private static func function(_ name: String, _ place: String?, otherwise: String) -> String {
    let body = place.map { "return m->layers->\($0);" } ?? "(void)m; return \(otherwise);"
    return "\(name)(const moec_model *m) { \(body) }"
  }

  /// Where in the model's struct the layer that writes an output has it.
  private func place(of isWanted: (Output) -> Bool) -> String? {
    for use in plan.uses {
      let layer = plan.layers[use.layer]
      for (argument, edge) in zip(layer.forwardArguments, use.forwardEdges)
      where argument.isWritten && plan.edges[edge].outputs.contains(where: isWanted) {
        return "\(layer.name)[\(use.instance)].\(CNames.identifier(argument.name))"
      }
    }
    return nil
  }

  private var badLayerFunction: String {
    let lines = groups.flatMap { checks($0) }
    let body = lines.isEmpty ? ["(void)m, (void)last;"] : lines
    return """
      // The first layer that handed on a number that is not finite.
      const char *model_bad_layer(moec_model *m, const moec_model *last) {
      \(body.map { "    " + $0 }.joined(separator: "\n"))
          return NULL;
      }
      """
  }

  /// How many numbers of an argument a pass leaves.
  private func count(_ argument: Argument) -> Int {
    guard plan.head != nil else { return argument.type.count }
    return min(Plan.headRows, plan.graph.context.size) * plan.graph.vocabulary.size
  }

  /// What uses of a layer hand on and a pass leaves to be looked at.
  func checked(_ group: (layer: Int, first: Int, count: Int)) -> [Argument] {
    let layout = layouts[group.layer]
    // Where nothing is kept for backward, other numbers are in the place of most.
    let edges = layout.uses[group.first].forwardEdges
    let others = layout.layer.writtenWithoutTargets
    return zip(layout.layer.forwardArguments, edges).enumerated().filter { index, pair in
      let (argument, edge) = pair
      let isLeft = !plan.infers || plan.edges[edge].outputs.contains(.logits)
      return argument.isWritten && argument.type.element == .f32 && isLeft
        && !others.contains(index)
    }.map(\.element.0)
  }

  /// Looks for numbers that are not finite in it.
  private func checks(_ group: (layer: Int, first: Int, count: Int)) -> [String] {
    let layout = layouts[group.layer]
    let name = layout.layer.name
    let isUnnamed = layout.uses.allSatisfy(\.scope.isEmpty)
    let path = isUnnamed ? "\"\", -1, \"\(name)\"" : UseScopes(layout).arguments + ", \"\""
    let checks = checked(group).map {
      let place = "last->layers->\(name)[l].\(CNames.identifier($0.name))"
      return
        "    if (!model_all_finite(\(place), (size_t)\(count($0)))) { return model_name(m, \(path)); }"
    }
    if checks.isEmpty { return [] }
    let last = group.first + group.count
    return ["for (int l = \(group.first); l < \(last); l++) {"] + checks + ["}"]
  }
}

extension Layer {
  /// The arguments of forward that a pass with targets leaves as they were, by their numbers.
  fileprivate var writtenWithoutTargets: Set<Int> {
    let results = forward.filter { $0.purpose == .logits }.flatMap(\.results)
    return Set(
      results.compactMap { if case .argument(let index) = $0.place { index } else { nil } })
  }
}
