import GraphIR
import Lowering
import Planning

/// Calls that cut rows and put them side by side.
extension CallEmitter {
  func slice(_ op: Slice, _ c: CallText) -> Statement {
    Statement(
      calling: "slice_columns",
      [c.made(.output), c[.operand], c.rows(.operand), c.width(.operand), "\(op.start)"]
        + [CNames.size(op.axis)])
  }

  func pad(_ op: Pad, _ c: CallText) -> Statement {
    let made = c.made(.output)
    let count = CNames.product(c.madeType(.output).axes)
    return Statement([
      Statement("memset(\(made), 0, sizeof(float) * \(count));", function: "memset"),
      Statement(
        calling: "place_columns",
        [made, c[.operand], c.rows(.operand), CNames.size(op.axis), "\(op.start)"]
          + [c.width(.operand)]),
    ])
  }

  /// One call for each part, in order.
  func concatenate(_ c: CallText) -> Statement {
    let parts = c.call.kernel.all(.operand)
    let calls = parts.indices.map { index in
      let before = parts[..<index].map { CNames.width($0.type) }
      let start = before.isEmpty ? "0" : before.joined(separator: " + ")
      return Statement(
        calling: "place_columns",
        [c.made(.output), expression(parts[index]), CNames.rows(parts[index].type)]
          + [CNames.width(c.madeType(.output)), start, CNames.width(parts[index].type)])
    }
    return Statement(calls)
  }
}
