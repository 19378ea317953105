import GraphIR
import Planning

/// A product's last step, applied to each block while it is in cache: `FINISH(finish_relu, …)`.
struct FinishFunction {
  let name: String

  /// The expression over the product, `x0`, and further operands; streams numbered from 0.
  let expression: ScalarExpression

  /// The kernel files that its C needs beside those of products, which know of last steps.
  var kernels: [String] { expression.kernels }

  /// The line that defines it.
  var text: String {
    CLines.wrapped("FINISH(", [name, value], ")").joined(separator: "\n")
  }

  private var value: String {
    expression.c(within: 0) { leaf in
      switch leaf {
      case .input(0): "y"
      case .input(let index): "x\(index)[i]"
      case .normal(let stream): "NOISE(\(stream))"
      case .keep(let stream, _): "KEEP(\(stream))"
      case .constant, .unary, .binary: ""
      }
    }
  }
}
