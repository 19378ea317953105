import GraphIR
import Planning
import Words

/// A layer's header: its structs and functions, which its own file and `model.c` know.
struct LayerHeader {
  private let own: LayerFile
  private let layout: LayerUseLayout
  private var layer: Layer { layout.layer }

  init(of file: LayerFile) {
    own = file
    layout = file.context.layouts[file.index]
  }

  var file: GeneratedFile {
    let path = "\(layer.name).h"
    var parts = [
      own.context.heading(path), "//", "// What \(layer.name).c has and does, for model.c too.",
      "#ifndef LAYER_\(layer.name)_H", "#define LAYER_\(layer.name)_H", "", "#include \"model.h\"",
      "",
      "#pragma GCC visibility push(hidden)", "",
    ]
    parts += Self.structure(
      "\(layer.name)_params",
      "Parameters, and in the same form their gradients; in panels: see model_parameter.",
      layer.parameters.map { (CNames.field($0.field), $0.type) },
      panels: layer.parameters.map { $0.layout != .rowMajor })
    parts += Self.structure(
      "\(layer.name)_updates", "Weights that backward updates as soon as their gradient is there.",
      layer.updateGroups.sorted { $0.lowerBound < $1.lowerBound }.map { weights in
        let first = layer.parameters[weights.lowerBound]
        let count = weights.count > 1 ? "[\(weights.count)]" : ""
        return (CNames.field(first.field) + count, first.type)
      }, element: "weight_update ")
    parts += Self.structure(
      "\(layer.name)_saved", "Kept from forward to backward.",
      layer.saved.map { (CNames.field($0.name), $0.type) })
    parts += Self.structure(
      "\(layer.name)_scratch", "Overwritten within forward or backward; buffers may overlap.",
      (layer.forwardScratch + layer.backwardScratch).map { (CNames.field($0.name), $0.type) })
    parts += [Phase.forward, .backward].compactMap { own.signature($0)?.head(";") }
    parts += own.ownFunctions
    let binding = LayerBinding(layout, sharesExperts: false).functions.map { $0.head + ";" }
    if !binding.isEmpty {
      parts +=
        ["", "// Point a use's structs at their places, from a base or a first parameter on."]
        + binding
    }
    parts += ["", layout.declaration, "", "#pragma GCC visibility pop", "#endif"]
    return GeneratedFile(path: path, text: parts.joined(separator: "\n") + "\n")
  }

  private static func structure(
    _ name: String, _ comment: String, _ fields: [(name: String, type: TensorType)],
    element: String? = nil, panels: [Bool] = []
  ) -> [String] {
    if fields.isEmpty { return [] }
    let lines = fields.enumerated().map { index, field in
      "    \(element ?? CNames.element(field.type) + " *")\(field.name);".padded(to: 44)
        + "// \(CNames.shape(field.type))"
        + (panels.indices.contains(index) && panels[index] ? " in panels" : "")
    }
    return ["// \(comment)", "typedef struct {"] + lines + ["} \(name);", ""]
  }
}
