import GraphIR
import Planning

/// What a pass leaves, for the functions of the interface.
extension ModelFile {
  var results: String {
    [
      "// What a pass left, in the lane in which it was made.", lossFunction, logitsFunction, "",
      badLayerFunction,
    ].joined(separator: "\n")
  }

  private var lossFunction: String {
    Self.function("float model_loss", place(of: "loss").map { "\($0)[0]" }, otherwise: "NAN")
  }

  private var logitsFunction: String {
    Self.function("const float *model_logits", place(of: "logits"), otherwise: "NULL")
  }

  private static func function(_ name: String, _ place: String?, otherwise: String) -> String {
    let body = place.map { "return m->layers->\($0);" } ?? "(void)m; return \(otherwise);"
    return "\(name)(const moec_model *m) { \(body) }"
  }

  /// Where in the model's struct the layer that writes an argument has it.
  private func place(of argument: String) -> String? {
    layouts.first {
      $0.layer.forwardArguments.contains { $0.name == argument && $0.isWritten }
    }.map { "\($0.layer.name)[0].\(argument)" }
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

  /// Looks for numbers that are not finite in what uses of a layer hand on.
  private func checks(_ group: (layer: Int, first: Int, count: Int)) -> [String] {
    let layout = layouts[group.layer]
    let name = layout.layer.name
    let isUnnamed = layout.uses.allSatisfy(\.scope.isEmpty)
    let path = isUnnamed ? "\"\", -1, \"\(name)\"" : UseScopes(layout).arguments + ", \"\""
    let written = layout.layer.forwardArguments.filter { $0.isWritten && $0.type.element == .f32 }
    if written.isEmpty { return [] }
    let checks = written.map {
      let place = "last->layers->\(name)[l].\(CNames.identifier($0.name))"
      return
        "    if (!model_all_finite(\(place), (size_t)\($0.type.count))) { return model_name(m, \(path)); }"
    }
    let last = group.first + group.count
    return ["for (int l = \(group.first); l < \(last); l++) {"] + checks + ["}"]
  }
}
