import Foundation
import ModelFixtures
import Testing

@testable import Exchange

@Suite struct NameMapTests {
  private static let fixtures = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures")
  private static let stateDict = fixtures.appendingPathComponent("noisy-state-dict.safetensors")
    .path
  private static let noisy = fixtures.appendingPathComponent("noisy.safetensors").path

  private func file(
    _ tensors: [(name: String, shape: [Int])], metadata: [String: String] = [:]
  ) throws -> Safetensors {
    let path = try ModelFixture.folder() + "/in.safetensors"
    let outputs = tensors.map { tensor in
      Safetensors.Output(name: tensor.name, shape: tensor.shape) {
        (0..<tensor.shape.reduce(1, *)).map { Float($0) }
      }
    }
    try Safetensors.write(outputs, metadata: metadata, to: path)
    return try Safetensors(path: path)
  }

  private func problems(
    _ map: String, _ tensors: [(name: String, shape: [Int])], counts: [String: Int] = [:]
  ) throws -> String {
    let file = try file(tensors)
    let map = try NameMap(map, path: "map")
    let error = #expect(throws: NameMapError.self) { try NameConversion(file, map, counts: counts) }
    guard case .unfit(_, let problems)? = error else { return "\(error as Any)" }
    return problems.joined(separator: "; ")
  }

  private func tensors(_ file: Safetensors) throws -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: try file.tensors.map {
        ("\($0.name) \($0.shape)", try file.numbers($0))
      })
  }

  @Test func aStateDictBecomesTheFixturesInitialValues() throws {
    let map = try NameMap.named("makemoe")
    let conversion = try NameConversion(Safetensors(path: Self.stateDict), map)
    #expect(conversion.direction == .toOurs)
    let noisy = try Safetensors(path: Self.noisy)
    let expected = noisy.tensors.filter { $0.name.hasPrefix("initial/") }
    #expect(conversion.outputs.count == expected.count)
    for tensor in expected {
      let name = String(tensor.name.dropFirst("initial/".count))
      let output = try #require(conversion.outputs.first { $0.name == name })
      #expect(output.shape == tensor.shape)
      #expect(try output.numbers() == noisy.numbers(tensor))
    }
  }

  @Test func comesBackWhole() throws {
    let folder = try ModelFixture.folder()
    let there = try Command.moec(
      ["weights", "convert", Self.stateDict, folder + "/ours", "--names", "makemoe"])
    #expect(there.status == 0, "\(there.errors)")
    #expect(there.errors.hasSuffix("tensors, to moec's names\n"))
    let back = try Command.moec(
      ["weights", "convert", folder + "/ours", folder + "/theirs", "--names", "makemoe"]
        + ["--set", "h=3"])
    #expect(back.status == 0, "\(back.errors)")
    let old = try tensors(Safetensors(path: Self.stateDict))
    #expect(try tensors(Safetensors(path: folder + "/theirs")) == old)
    let without = try Command.moec(
      ["weights", "convert", folder + "/ours", folder + "/none", "--names", "makemoe"])
    #expect(without.status == 1 && without.errors.contains("--set h=N"))
  }

  @Test func writesCausalMasksWhenAsked() throws {
    let ours = try ModelFixture.folder() + "/ours"
    let map = try NameMap.named("makemoe")
    try Safetensors.write(
      NameConversion(Safetensors(path: Self.stateDict), map).outputs,
      metadata: ["axes": "H=3 T=8"], to: ours)
    let theirs = try NameConversion(Safetensors(path: ours), map, buffers: true)
    let masks = theirs.outputs.filter { $0.name.hasSuffix(".tril") }
    #expect(masks.map(\.name).sorted().first == "blocks.0.sa.heads.0.tril")
    #expect(masks.count == 6 && masks.allSatisfy { $0.shape == [8, 8] })
    let numbers = try #require(try masks.first?.numbers())
    #expect(numbers.prefix(10) == [1, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    // A state dict that has them is read as one that has not.
    let path = try ModelFixture.folder() + "/theirs"
    try Safetensors.write(theirs.outputs, metadata: [:], to: path)
    let again = try NameConversion(Safetensors(path: path), map)
    #expect(again.leftOut.count == 6)
  }

  @Test func stacksConcatenatesAndTransposes() throws {
    let map = try NameMap(
      """
      a.{l}   x.{l}      transpose
      b       y.{e}      stack e transpose   # a comment
      c.{p,q} z.{h}.{r,s} concatenate h
      """, path: "map")
    let theirs = try file([
      ("x.0", [2, 3]), ("x.1", [2, 3]), ("y.0", [1, 2]), ("y.1", [1, 2]),
      ("z.0.r", [1]), ("z.1.r", [1]), ("z.0.s", [2, 2]), ("z.1.s", [2, 2]),
    ])
    let conversion = try NameConversion(theirs, map)
    let shapes = Dictionary(uniqueKeysWithValues: conversion.outputs.map { ($0.name, $0.shape) })
    #expect(
      shapes == ["a.0": [3, 2], "a.1": [3, 2], "b": [2, 2, 1], "c.p": [2], "c.q": [4, 2]])
    let first = try #require(conversion.outputs.first { $0.name == "a.0" })
    #expect(try first.numbers() == [0, 3, 1, 4, 2, 5])
    let path = try ModelFixture.folder() + "/ours"
    try Safetensors.write(conversion.outputs, metadata: [:], to: path)
    let back = try NameConversion(Safetensors(path: path), map, counts: ["h": 2])
    try Safetensors.write(back.outputs, metadata: [:], to: path)
    #expect(try tensors(Safetensors(path: path)) == tensors(theirs))
  }

  @Test func usesEveryTensorOnceOrNamesIt() throws {
    let map = "a.{l} x.{l}\nb.{l} y.{l}.{e} stack e\nc z optional\nignore old.{i}\n"
    #expect(
      try problems(
        map, [("x.0", [1]), ("x.1", [1]), ("y.0.0", [1]), ("y.0.1", [1]), ("y.1.0", [1])])
        == "missing: y.1.1")
    #expect(
      try problems(map, [("x.0", [1]), ("y.0.0", [1]), ("odd", [1])]) == "odd: no line is for it")
    #expect(
      try problems(map, [("x.0", [1]), ("y.0.0", [1]), ("y.0.2", [1])])
        == "b.0: its pieces do not count from 0 or differ in shape")
    #expect(
      try problems(map, [("x.0", [1]), ("y.0.0", [1]), ("y.0.1", [2])])
        == "b.0: its pieces do not count from 0 or differ in shape")
  }

  @Test(
    arguments: [
      ("a", "two names are expected"), ("a b c", "c is none of stack"),
      ("a b stack", "stack what?"),
      ("{a,b} c", "2 and 1 alternatives"), ("a.{l} b", "numbers that only"), ("", "pairs no names"),
      ("a {", "is no name"), ("count h", "'count h axis H'"), ("triangle a", "'triangle NAME of"),
    ])
  func refusesLinesThatMakeNoSense(text: String, reason: String) throws {
    let error = #expect(throws: NameMapError.self) { try NameMap("\n" + text, path: "map") }
    #expect(error?.message.contains(reason) == true)
  }

  @Test func refusesFilesThatItDoesNotKnow() throws {
    let file = try file([("q", [1])])
    let map = try NameMap.named("makemoe")
    #expect(throws: NameMapError.noMatch(path: file.path)) { try NameConversion(file, map) }
    #expect(throws: NameMapError.unknown(name: "none")) { try NameMap.named("none") }
  }

  /// A Python with PyTorch: MOEC_TORCH_PYTHON, python3 or Debian's own.
  static let python: String? = {
    let named = ProcessInfo.processInfo.environment["MOEC_TORCH_PYTHON"]
    return [named, "python3", "/usr/bin/python3"].compactMap { $0 }.first { python in
      (try? Command.run("/usr/bin/env", [python, "-c", "import torch, numpy"]))?.status == 0
    }
  }()

  /// There and back through moec's names, loaded strictly: the loss is the fixture's.
  @Test(
    .enabled(
      if: python != nil, "needs PyTorch: apt-get install python3-torch, or MOEC_TORCH_PYTHON"))
  func pyTorchLoadsItStrictly() throws {
    let folder = try ModelFixture.folder()
    let map = try NameMap.named("makemoe")
    try Safetensors.write(
      NameConversion(Safetensors(path: Self.stateDict), map).outputs, metadata: [:],
      to: folder + "/ours")
    try Safetensors.write(
      NameConversion(Safetensors(path: folder + "/ours"), map, counts: ["h": 3]).outputs,
      metadata: ["format": "pt"], to: folder + "/theirs")
    let script = """
      import pathlib, sys
      sys.path.insert(0, sys.argv[1])
      import torch
      import make_fixtures as m
      c = next(c for c in m.CONFIGURATIONS if c.name == "noisy")
      state, _ = m.read_tensors(pathlib.Path(sys.argv[2]).read_bytes())
      fixture, _ = m.read_tensors((m.HERE / "noisy.safetensors").read_bytes())
      model = m.Model(c)
      model.load_state_dict({k: torch.tensor(v.copy()) for k, v in state.items()}, strict=True)
      logits = model(torch.tensor(fixture["tokens"][0].astype("int64")), 0)
      targets = torch.tensor(fixture["targets"][0].astype("int64")).flatten()
      loss = m.F.cross_entropy(logits.reshape(-1, c.V), targets).item()
      print(abs(loss - fixture["loss"][0]) < 1e-5, loss)
      """
    let python = try #require(Self.python)
    let result = try Command.run(
      "/usr/bin/env", [python, "-B", "-c", script, Self.fixtures.path, folder + "/theirs"])
    #expect(
      result.status == 0 && result.output.hasPrefix("True "), "\(result.output)\(result.errors)")
  }

  @Test func twoTensorsOfOneNameAreRefused() throws {
    let map = "a.weight  x.weight\na.weight  y.weight\nb.weight z.weight"
    let said = try problems(map, [("x.weight", [1]), ("y.weight", [1]), ("z.weight", [1])])
    #expect(said == "a.weight would be there twice")
  }

  /// Three numbers of which the file has a hundred each, in one name of three: a million names.
  @Test(.timeLimit(.minutes(1))) func missingNamesAreNotAllLookedFor() throws {
    let map = "a.{i}  x.{i}\nb.{j} y.{j}\nc.{k}  z.{k}\nd.{i}.{j}.{k}  w.{i}.{j}.{k}"
    let tensors = (0..<300).flatMap { number in
      ["x", "y", "z"].map { (name: "\($0).\(number)", shape: [1]) }
    }
    let said = try problems(map, tensors)
    #expect(said.hasPrefix("missing: w.0.0.0, "))
    #expect(said.hasSuffix(" and more"))
    #expect(said.count < 100_000)
  }

  @Test func aNumberOfEveryCombinationIsLookedFor() throws {
    let map = "a.{i}.{j}  x.{i}.{j}"
    let tensors = ["x.0.0", "x.1.0", "x.0.2"].map { (name: $0, shape: [1]) }
    #expect(try problems(map, tensors) == "missing: x.1.2")
  }

  @Test func piecesAreReadForThemselves() throws {
    let file = try file([("a", [4, 3])])
    let map = try NameMap("a  b.{e}  stack e", path: "map")
    let outputs = try NameConversion(file, map).outputs
    #expect(
      try outputs.map { try $0.numbers() } == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]])
  }
}
