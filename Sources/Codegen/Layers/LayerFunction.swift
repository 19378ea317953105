import GraphIR
import Planning

/// A function of a layer: a phase's, or one of a run by sequence.
struct LayerFunction {
  let signature: LayerSignature

  /// All of it, from the comment above its head on.
  let statements: [Statement]

  /// - Parameters:
  ///   - body: its statements; what they use it is given.
  ///   - sizes: what declares the sizes that they use.
  init(
    _ layer: Layer, _ phase: Phase, run: String? = nil, comment: String? = nil,
    _ body: [Statement], sizes: (Set<CVariable>) -> [Statement]
  ) {
    let all = sizes(body.uses) + body
    signature = LayerSignature(layer, phase, run: run, using: all.uses)
    statements =
      (comment.map { [Statement(lines: [$0])] } ?? []) + [Statement(text: signature.head(" {"))]
      + all + [Statement(lines: ["}"])]
  }
}
