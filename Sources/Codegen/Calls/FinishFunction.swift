import GraphIR
import Planning

/// A static C function that is a product's last step, applied to each block while it is in cache.
struct FinishFunction {
  let name: String

  /// The expression over the product, `x0`, and further operands; streams numbered from 0.
  let expression: ScalarExpression

  var kernels: [String] { PointwiseFunction(name: name, expression, [:]).kernels }

  var text: String {
    let comment =
      "// y = \(expression.formula(within: 0, input: Self.operand)), for a block of a product's result"
    let head =
      "static void \(name)(const finish_operands *q, float *y, int row, int rows, int column, int columns) {"
    let start = "        const size_t first = (size_t)(row + r) * q->width + column;"
    let needsPlace = expression.inputs.contains { $0 > 0 } || !expression.streams.isEmpty
    let lines =
      [comment, head]
      + (needsPlace ? [] : ["    (void)row, (void)column;"])
      + ["    for (int r = 0; r < rows; r++) {"] + (needsPlace ? [start] : [])
      + [
        "        float *y_r = y + (size_t)r * q->width;", "        #pragma omp simd",
        "        for (int c = 0; c < columns; c++) {", "            y_r[c] = \(value);",
        "        }",
        "    }", "}",
      ]
    return lines.joined(separator: "\n")
  }

  private static func operand(_ index: Int) -> String { index == 0 ? "y" : "x\(index)" }

  private var value: String {
    expression.c(within: 0) { leaf in
      switch leaf {
      case .input(0): "y_r[c]"
      case .input(let index): "q->x\(index)[first + c]"
      case .normal(let stream): "random_normal(q->key[\(stream)], (uint32_t)(first + c))"
      case .keep(let stream, _):
        "dropout_keep(q->key[\(stream)], (uint32_t)(first + c), q->rate[\(stream)])"
      case .constant, .unary, .binary: ""
      }
    }
  }
}
