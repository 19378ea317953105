import GraphIR
import Planning

/// Saved buffers in models whose passes go on where others ended.
extension LayerUseLayout {
  /// Whether evaluation leaves something in this layer's saved buffers for the next pass.
  var keepsSaved: Bool { !kept.saved.isEmpty }

  /// The function of `model.c` that tells where a use saves in a pass; nil where all is as usual.
  var savedFunction: String? {
    guard keepsSaved else { return nil }
    let name = layer.name
    let lines = kept.saved.sorted().map { index in
      let (field, type) = (CNames.field(layer.saved[index].name), layer.saved[index].type)
      let base = own[index] != nil ? "u->s" : "m->layers->\(name)[0].s"
      return "    u->e.\(field) = \(base).\(field) + (size_t)pass->past*\(Self.row(type).text);"
    }
    if infers {
      return """
        // Where a use of \(name) saves: keys and values stay with each use, row by row from the pass's first
        // position on, for the passes that go on from there; all else is in the first one's buffers.
        static const \(name)_saved *\(name)_saved_in(moec_model *m, \(name)_use *u, const model_pass *pass) {
            u->e = m->layers->\(name)[0].s;
        \(lines.joined(separator: "\n"))
            return &u->e;
        }
        """
    }
    return """
      // Where a use of \(name) saves: in training in its own buffers, in evaluation in those of the first use.
      // Where no loss is asked for, what attention reads and writes stays with each use, row by row from the
      // pass's first position on, for the passes that go on from there.
      static const \(name)_saved *\(name)_saved_in(moec_model *m, \(name)_use *u, const model_pass *pass) {
          if (pass->training) { return &u->s; }
          if (pass->targets) { return &m->layers->\(name)[0].s; }
          u->e = m->layers->\(name)[0].s;
      \(lines.joined(separator: "\n"))
          return &u->e;
      }
      """
  }
}
