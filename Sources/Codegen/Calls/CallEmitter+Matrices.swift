import GraphIR
import Lowering
import Planning

/// Calls of ops on the matrices in the last axes.
extension CallEmitter {
  func splitHeads(_ op: SplitHeads, _ c: CallText) -> Statement {
    let axes = sizes(c, .operand)
    return Statement(
      calling: "split_heads",
      moved(c) + [axes[0], CNames.size(op.heads), axes[1], CNames.size(op.depth)])
  }

  func mergeHeads(_ c: CallText) -> Statement {
    Statement(calling: "merge_heads", moved(c) + sizes(c, .operand)[0..<4])
  }

  func transpose(_ c: CallText) -> Statement {
    let axes = sizes(c, .operand)
    return Statement(
      calling: "transpose",
      moved(c) + [matrices(c, .operand), axes[axes.count - 2], axes[axes.count - 1]])
  }

  func causalMask(_ op: CausalMask, _ c: CallText) -> Statement {
    let axes = sizes(c, .operand)
    let fill: CExpression = op.fill == .zero ? "0" : "-INFINITY"
    if c.call[.beginnings] != nil {
      let matrices = CNames.product(c.type(.operand).axes.dropFirst().dropLast(2))
      return Statement(
        calling: "document_mask",
        moved(c) + [c[.beginnings], axes[0], matrices, axes[axes.count - 1], fill])
    }
    return Statement(
      calling: "causal_mask", moved(c) + [matrices(c, .operand), axes[axes.count - 1], fill])
  }

  func matmul(_ op: Matmul, _ c: CallText) -> Statement {
    let axes = sizes(c, .left)
    let result = c.madeType(.output).axes.map(CNames.size)
    let inner = op.transposeA ? axes[axes.count - 2] : axes[axes.count - 1]
    return Statement(
      calling: "matmul",
      [
        c.made(.output), c[.left], c[.right], matrices(c, .left), result[result.count - 2],
        result[result.count - 1], inner, op.transposeA ? "1" : "0", op.transposeB ? "1" : "0",
      ])
  }

  private func moved(_ c: CallText) -> [CExpression] { [c.made(.output), c[.operand]] }

  private func sizes(_ c: CallText, _ role: Role) -> [CExpression] {
    c.type(role).axes.map(CNames.size)
  }

  private func matrices(_ c: CallText, _ role: Role) -> CExpression {
    CNames.product(c.type(role).axes.dropLast(2))
  }
}
