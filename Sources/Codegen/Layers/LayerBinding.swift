import GraphIR
import Planning

/// The functions that point a layer's structs at their places: the last of its file.
struct LayerBinding {
  struct Function {
    /// Without the brace behind it.
    var head: String
    var body: [String]

    var text: String { ([head + " {"] + body + ["}"]).joined(separator: "\n") }
  }

  let layout: LayerUseLayout
  private var layer: Layer { layout.layer }

  /// Whether of experts' parameters the layer is given those that a rank has.
  private let sharesExperts: Bool

  init(_ layout: LayerUseLayout, sharesExperts: Bool) {
    (self.layout, self.sharesExperts) = (layout, sharesExperts)
  }

  var functions: [Function] {
    var functions: [Function] = []
    if layout.hasParameters { functions.append(parameters) }
    if layout.hasUpdates { functions.append(updates) }
    if layout.hasSaved {
      functions.append(buffers("\(layer.name)_bind_saved(\(layer.name)_saved *s", "s", layer.saved))
    }
    if layout.sharesSaved, !layout.own.isEmpty {
      let own = layout.own.sorted { $0.key < $1.key }.map { (layer.saved[$0.key], $0.value) }
      functions.append(placed("\(layer.name)_bind_own(\(layer.name)_saved *s", "s", own))
    }
    if layout.hasScratch {
      functions.append(
        buffers(
          "\(layer.name)_bind_scratch(\(layer.name)_scratch *t", "t",
          layer.forwardScratch + layer.backwardScratch))
    }
    return functions
  }

  private var parameters: Function {
    func lines(_ pointer: String, _ member: String, _ isWanted: (LayerParameter) -> Bool)
      -> [String]
    {
      layer.parameters.enumerated().filter { isWanted($0.element) }.map { index, parameter in
        let isShared = sharesExperts && member == "value" && parameter.start != nil
        let own = isShared ? " + q[\(index)].own" : ""
        return "    \(pointer)->\(CNames.field(parameter.field)) = q[\(index)].\(member)\(own);"
      }
    }
    let head = CLines.wrapped(
      "void \(layer.name)_bind_params(",
      ["\(layer.name)_params *p", "\(layer.name)_params *g", "const model_parameter *q"], ")")
    let gradients = lines("g", "gradient") { $0.update.isLearned }
    return Function(
      head: head.joined(separator: "\n"),
      body: lines("p", "value") { _ in true } + (gradients.isEmpty ? ["    (void)g;"] : gradients))
  }

  private var updates: Function {
    let lines = layer.updateGroups.sorted { $0.lowerBound < $1.lowerBound }.flatMap { weights in
      weights.enumerated().map { number, weight in
        let field = CNames.field(layer.parameters[weights.lowerBound].field)
        let element = weights.count > 1 ? "[\(number)]" : ""
        return "    u->\(field)\(element) = model_weight_update(m, first + \(weight), step);"
      }
    }
    let head = CLines.wrapped(
      "void \(layer.name)_bind_updates(",
      [
        "\(layer.name)_updates *u", "struct moec_model *m", "int first",
        "const adamw_numbers *step",
      ], ")")
    return Function(head: head.joined(separator: "\n"), body: lines)
  }

  private func buffers(_ head: String, _ variable: String, _ buffers: [Buffer]) -> Function {
    placed(head, variable, buffers.map { ($0, $0.offset) })
  }

  private func placed(
    _ head: String, _ variable: String, _ buffers: [(buffer: Buffer, offset: Int)]
  ) -> Function {
    let lines = buffers.map { buffer, offset in
      "    \(variable)->\(CNames.field(buffer.name)) = (\(CNames.element(buffer.type)) *)(base + \(offset));"
    }
    return Function(head: "void \(head), char *base)", body: lines)
  }
}
