/// A matrix inside an array: element (i, j) lies at offset + i · rowStride + j · columnStride.
struct MatrixView {
  var elements: [Double]
  var offset: Int
  var rows: Int
  var columns: Int
  var rowStride: Int
  var columnStride = 1

  /// A row-major matrix, or a block of columns of one if `rowStride` is greater than `columns`.
  init(
    _ elements: [Double], offset: Int = 0, rows: Int, columns: Int, rowStride: Int? = nil
  ) {
    self.elements = elements
    self.offset = offset
    self.rows = rows
    self.columns = columns
    self.rowStride = rowStride ?? columns
  }

  var transposed: MatrixView {
    var view = self
    swap(&view.rows, &view.columns)
    swap(&view.rowStride, &view.columnStride)
    return view
  }
}

/// Writes the product a b to rows of `result`, `rowStride` apart, beginning at `offset`.
///
/// Pointers and `while` instead of views and ranges: debug builds run this a hundred times faster.
func multiply(
  _ a: MatrixView, _ b: MatrixView, into result: inout [Double], at offset: Int = 0,
  rowStride: Int? = nil
) {
  let stride = rowStride ?? b.columns
  a.elements.withUnsafeBufferPointer { x in
    b.elements.withUnsafeBufferPointer { y in
      result.withUnsafeMutableBufferPointer { z in
        guard let x = x.baseAddress, let y = y.baseAddress, let z = z.baseAddress else { return }
        var i = 0
        while i < a.rows {
          var j = 0
          while j < b.columns {
            z[offset + i * stride + j] = dot(
              x + (a.offset + i * a.rowStride), a.columnStride,
              y + (b.offset + j * b.columnStride), b.rowStride, a.columns)
            j += 1
          }
          i += 1
        }
      }
    }
  }
}

private func dot(
  _ x: UnsafePointer<Double>, _ xStride: Int, _ y: UnsafePointer<Double>, _ yStride: Int,
  _ count: Int
) -> Double {
  var (x, y, left, sum) = (x, y, count, 0.0)
  while left > 0 {
    sum += x.pointee * y.pointee
    x += xStride
    y += yStride
    left -= 1
  }
  return sum
}
