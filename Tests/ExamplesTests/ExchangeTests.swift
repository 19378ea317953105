import Foundation
import ModelFixtures
import Testing

/// Weights that go to PyTorch and come back, by Tests/Scripts/exchange_with_pytorch.py.
@Suite struct ExchangeTests {
  /// A Python with PyTorch, named by MOEC_TORCH_PYTHON or the usual one.
  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["MOEC_TORCH_PYTHON"] ?? "python3"
    let probe = try? Command.shell(#""$1" -c 'import torch, numpy'"#, [named])
    return probe?.status == 0 ? named : nil
  }()

  @Test(
    .enabled(
      if: python != nil, "needs a Python with torch and numpy: python3, or MOEC_TORCH_PYTHON"))
  func bothSidesGiveTheSameLoss() throws {
    let script = "\(root)/Tests/Scripts/exchange_with_pytorch.py"
    let exchange = try Command.shell(
      #"exec "$1" "$2" "$0" "$3" "$4""#,
      [try #require(Self.python), script, SmallModel.library, SmallModel.text],
      in: try SmallModel.folder.get())
    #expect(exchange.status == 0, "\(exchange.errors)\(exchange.output)")
    let lines = exchange.output.split(separator: "\n")
    #expect(lines.filter { $0.hasPrefix("to PyTorch: moec ") }.count == 3)
    #expect(lines.filter { $0.hasPrefix("from PyTorch: moec ") }.count == 3)
  }
}
