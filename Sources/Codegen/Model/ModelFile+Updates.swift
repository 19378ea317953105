import Planning

/// What `model.c` tells backward of updates.
extension ModelFile {
  /// Whether backward updates any weight.
  var hasUpdates: Bool { layouts.contains(where: \.hasUpdates) }

  var bindUpdates: String {
    let loops = layouts.filter(\.hasUpdates).flatMap { layout in
      let name = layout.layer.name
      return [
        "    for (int l = 0; l < \(layout.uses.count); l++) {",
        "        \(name)_bind_updates(&m->\(name)[l].u, m, \(name)_places[l].first, step);",
        "    }",
      ]
    }
    return """
      // Tells backward which step to make with the gradients of its own; NULL: none.
      void model_bind_updates(moec_model *m, const adamw_numbers *step) {
      \(loops.joined(separator: "\n"))
      }
      """
  }
}
