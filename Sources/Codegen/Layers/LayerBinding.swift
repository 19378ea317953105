import GraphIR
import Planning

/// The functions that point a layer's structs at their places: the last of its file.
struct LayerBinding {
  let layout: LayerUseLayout
  private var layer: Layer { layout.layer }

  init(_ layout: LayerUseLayout) { self.layout = layout }

  var functions: [String] {
    var texts: [String] = []
    if layout.hasParameters { texts.append(parameters) }
    if layout.hasUpdates { texts.append(updates) }
    if layout.hasSaved {
      texts.append(buffers("\(layer.name)_bind_saved(\(layer.name)_saved *s", "s", layer.saved))
    }
    if layout.hasScratch {
      texts.append(
        buffers(
          "\(layer.name)_bind_scratch(\(layer.name)_scratch *t", "t",
          layer.forwardScratch + layer.backwardScratch))
    }
    return texts
  }

  /// What the layer's header says of them.
  var heads: [String] {
    functions.map { function in
      // A long head goes on in the next lines.
      let lines = function.split(separator: "\n")
      let head = lines.prefix { !$0.hasSuffix("{") } + lines.drop { !$0.hasSuffix("{") }.prefix(1)
      return head.joined(separator: "\n").dropLast(2) + ";"
    }
  }

  private var parameters: String {
    func lines(_ pointer: String, _ member: String, _ isWanted: (LayerParameter) -> Bool)
      -> [String]
    {
      layer.parameters.enumerated().filter { isWanted($0.element) }.map { index, parameter in
        "    \(pointer)->\(CNames.field(parameter.field)) = q[\(index)].\(member);"
      }
    }
    let head = PointwiseFunction.wrapped(
      "void \(layer.name)_bind_params(",
      ["\(layer.name)_params *p", "\(layer.name)_params *g", "const model_parameter *q"], ") {")
    let gradients = lines("g", "gradient") { $0.update.isLearned }
    return
      (head + lines("p", "value") { _ in true } + (gradients.isEmpty ? ["    (void)g;"] : gradients)
      + ["}"]).joined(separator: "\n")
  }

  private var updates: String {
    let lines = layer.updateGroups.sorted { $0.lowerBound < $1.lowerBound }.flatMap { weights in
      weights.enumerated().map { number, weight in
        let field = CNames.field(layer.parameters[weights.lowerBound].field)
        let element = weights.count > 1 ? "[\(number)]" : ""
        return "    u->\(field)\(element) = model_weight_update(m, first + \(weight), step);"
      }
    }
    let head = PointwiseFunction.wrapped(
      "void \(layer.name)_bind_updates(",
      [
        "\(layer.name)_updates *u", "struct moec_model *m", "int first",
        "const adamw_numbers *step",
      ], ") {")
    return (head + lines + ["}"]).joined(separator: "\n")
  }

  private func buffers(_ head: String, _ variable: String, _ buffers: [Buffer]) -> String {
    let lines = buffers.map { buffer in
      "    \(variable)->\(CNames.field(buffer.name)) = (\(CNames.element(buffer.type)) *)(base + \(buffer.offset));"
    }
    return """
      void \(head), char *base) {
      \(lines.joined(separator: "\n"))
      }
      """
  }
}
