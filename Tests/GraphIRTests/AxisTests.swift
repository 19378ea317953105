import Testing

@testable import GraphIR

@Suite("Axes")
struct AxisTests {
  static let (B, T, C, E, K) = (
    Axis("B", 16), Axis("T", 32), Axis("C", 128), Axis("E", 8), Axis("K", 2)
  )

  @Test(
    "Products and quotients print as they are meant, with the right size",
    arguments: [
      (C, "C", 128), (4 * C, "4C", 512), (C * 4, "4C", 512), (C / 4, "C/4", 32),
      (C / 4 * 4, "C", 128), (4 * C / 4, "C", 128), (2 * C / 4, "C/2", 64),
      (8 * (C / 16), "C/2", 64), (3 * C / 2, "3C/2", 192), (B * T * K, "B·T·K", 1024),
      (2 * B * (T / 4), "B·T/2", 256), (E.plusOne, "E+1", 9), ((2 * E).plusOne, "2E+1", 17),
      (Axis(constant: 16), "16", 16), (3 * Axis(constant: 5), "15", 15),
    ] as [(Axis, String, Int)])
  func arithmetic(axis: Axis, text: String, size: Int) {
    #expect(axis.description == text)
    #expect(axis.size == size)
    #expect(axis.isWhole)
  }

  @Test("Axes are equal when written alike, whatever their sizes")
  func equality() {
    #expect(Self.C / 4 * 4 == Self.C)
    #expect(4 * Self.C != Axis("D", 512))
    #expect(Axis("C", 128) != Axis("C", 64))
    #expect(Self.B * Self.T != Self.T * Self.B)
  }

  @Test(
    "A size that is not whole or does not fit is no size",
    arguments: [
      C / 3, C / 0, Axis("V", .max) * Axis("V", .max), 2 * Axis("V", .max),
      Axis("V", .max).plusOne, C / .max / .max,
    ])
  func notWhole(axis: Axis) {
    #expect(!axis.isWhole)
    #expect(axis.size == 0)
  }

  @Test("Readers of errors see the size, C sees an expression")
  func forms() {
    #expect((4 * Self.C).named == "4C (512)")
    #expect(Axis(constant: 7).named == "7")
    #expect((3 * Self.C / 2).expression == "3*C/2")
    #expect((Self.B * Self.T * Self.K).expression == "B*T*K")
    #expect(Self.E.plusOne.expression == "E + 1")
  }

  @Test("Types know their shape")
  func types() {
    let sorted = TensorType(.f32, [Self.B * Self.T * Self.K, Self.C], by: Self.E)
    #expect(sorted.description == "f32[B·T·K, C] by E")
    #expect(sorted.count == 131_072)
    #expect(sorted.bytes == 524_288)
    #expect(sorted.rows == 1024)
    #expect(sorted.width == 128)
    #expect(TensorType.scalar.description == "f32[]")
    #expect((TensorType.scalar.count, TensorType.scalar.width) == (1, 1))
  }
}
