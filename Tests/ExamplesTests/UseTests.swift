import Foundation
import ModelFixtures
import Testing

/// The programs in Examples/ that use a library end with the runner's parameters, bit for bit.
@Suite struct UseTests {
  static let steps = "120", seed = "7"

  @Test func fromC() throws {
    let folder = try SmallModel.folder.get()
    let compilation = try Command.shell(
      """
      cc=$(command -v clang-14 || command -v gcc || command -v clang) || exit 1
      "$cc" -std=c11 -Wall -Wextra -Werror -I. "$1" -L. -lmodel -Wl,-rpath,. -lm -o from-c
      """, ["\(root)/Examples/use-from-c/main.c"], in: folder)
    try #require(compilation.status == 0, "\(compilation.errors)")
    try check(try Command.run("\(folder)/from-c", arguments, in: folder))
  }

  /// The measurement in Examples/ calls kernels as they are generated today; without OpenMP it is on
  /// one thread.
  @Test func kernelsAlone() throws {
    let folder = try SmallModel.folder.get()
    let compilation = try Command.shell(
      """
      cc=$(command -v clang-14 || command -v gcc || command -v clang) || exit 1
      set -- -O1 -Wall -Wextra -Werror "-I$1/Generated/makemoe" \
        "$1/Examples/peers-benchmark/skewed-routing.c" "$1"/Generated/makemoe/kernels/*.c -lm \
        -o skewed-routing
      "$cc" -fopenmp "$@" || "$cc" "$@"
      """, [root], in: folder)
    try #require(compilation.status == 0, "\(compilation.errors)")
    let run = try Command.run("\(folder)/skewed-routing", ["1"], in: folder)
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(
      lines.allSatisfy { $0.contains(/: two threads are [0-9]+\.[0-9]{2} times as fast as one/) })
  }

  @Test func fromSwift() throws {
    let folder = try SmallModel.folder.get()
    let compilation = try Command.shell(
      """
      swiftc -warnings-as-errors -import-objc-header libmodel.h "$1"/*.swift \
        -L . -lmodel -Xlinker -rpath -Xlinker . -o from-swift
      """, ["\(root)/Examples/use-from-swift"], in: folder)
    try #require(compilation.status == 0, "\(compilation.errors)\(compilation.output)")
    try check(try Command.run("\(folder)/from-swift", arguments, in: folder))
  }

  @Test(.enabled(if: hasNumPy, "there is no python3 with numpy"))
  func fromPython() throws {
    let folder = try SmallModel.folder.get()
    let script = "\(root)/Examples/use-from-python/train.py"
    try check(
      try Command.shell(
        #"script=$1; library=$2; shift 2; python3 "$script" "$library" "$@""#,
        [script, "./" + SmallModel.library] + arguments, in: folder))
  }

  /// Steps and parameters must be those of `moec run --train`, whose losses are of other batches.
  private func check(_ example: Command) throws {
    #expect(example.status == 0, "\(example.errors)")
    let lines = example.output.split(separator: "\n").map(String.init)
    #expect(lines.first?.hasPrefix("step 0: loss ") == true)
    #expect(example.output.contains("step 100: loss "))
    #expect(example.output.count > 250, "200 characters of text and the losses")
    #expect(lines.last == (try Self.parameters.get()))
  }

  private var arguments: [String] { [SmallModel.text, Self.steps, Self.seed] }

  /// The runner's line on its parameters, on one thread.
  private static let parameters = Result {
    let run = try Command.moec(
      [
        "run", SmallModel.library, "--train", "--data", SmallModel.text, "--steps", steps,
        "--seed", seed, "--eval-batches", "1", "--threads", "1",
      ], in: try SmallModel.folder.get())
    #expect(run.status == 0, "\(run.errors)")
    let lines = run.errors.split(separator: "\n").filter { $0.hasPrefix("parameters after") }
    let line = String(try #require(lines.first))
    #expect(line.wholeMatch(of: /parameters after 120 steps: [0-9a-f]{16}/) != nil)
    return line
  }
}
