import Planning

/// What `model.c` tells backward of updates.
extension ModelFile {
  /// Whether backward updates any weight.
  var hasUpdates: Bool { layouts.contains(where: \.hasUpdates) }

  func bindUpdates(_ uses: [UseBinding]) -> String {
    let loops = uses.filter(\.layout.hasUpdates).flatMap { use in
      let (name, layout) = (use.layout.layer.name, use.layout)
      return [
        "    for (size_t l = 0; l < \(layout.uses.count); l++) {",
        "        \(name)_bind_updates(&m->layers->\(name)[l].u, m, (int)(\(use.first.expression)), step);",
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
