import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import Testing

/// Recordings of routes as files.
@Suite struct RouteFileTests {
  private func manifest(_ change: (inout Manifest) -> Void = { _ in }) throws -> Manifest {
    var manifest = try ModelLibrary(path: ModelFixture.routed()).manifest
    // As awkward as possible: 1, 2, 3, 10 and 16 bits to a choice.
    manifest.routers = [(2, 1), (3, 2), (8, 3), (1000, 2), (65536, 1), (1, 1)].enumerated().map {
      .init(name: "router.\($0)", experts: $1.0, choices: $1.1)
    }
    change(&manifest)
    return manifest
  }

  /// Choices of a pass, the largest expert among them.
  private func choices(_ manifest: Manifest, _ pass: Int) -> [Int32] {
    var choices: [Int32] = []
    for router in manifest.routers {
      for index in 1..<manifest.batch * manifest.context * router.choices {
        choices.append(Int32((index * 7919 + pass * 31) % router.experts))
      }
      choices.append(Int32(router.experts - 1))
    }
    return choices
  }

  /// A recording of so many passes, two of them a step.
  private func recording(passes: Int, firstStep: Int = 3) throws -> (String, RouteHeader) {
    let path = try ModelFixture.folder() + "/r.bin"
    let header = try RouteHeader(of: manifest(), passes: 2, firstStep: firstStep)
    let recorder = try RouteRecorder(path: path, header)
    for pass in 0..<passes { try recorder.append(choices(manifest(), pass)) }
    #expect(!FileManager.default.fileExists(atPath: path))
    try recorder.commit()
    return (path, header)
  }

  @Test func givesBackWhatWasRecorded() throws {
    let (path, header) = try recording(passes: 7)
    let reader = try RouteReader(path: path)
    #expect(reader.header == header)
    #expect(reader.steps == 3..<6, "the last step has one of two passes")
    try reader.check(header, steps: 4..<6)
    for pass in 0..<6 {
      let found = try reader.experts(step: 3 + pass / 2, pass: pass % 2)
      #expect(try found == choices(manifest(), pass))
    }
  }

  @Test func anotherCapacityOrNameIsTheSameModel() throws {
    let (path, _) = try recording(passes: 2)
    let other = try manifest {
      $0.routers[0].capacity = 0.5
      $0.name = "renamed"
    }
    try RouteReader(path: path).check(
      RouteHeader(of: other, passes: 2, firstStep: 0), steps: 3..<4)
  }

  private func reason(_ path: String, _ header: RouteHeader, _ steps: Range<Int>) throws -> String {
    let error = #expect(throws: RouteFileError.self) {
      try RouteReader(path: path).check(header, steps: steps)
    }
    #expect(error?.hint != nil)
    return error?.message.replacing(path, with: "FILE") ?? ""
  }

  @Test func refusesWhatDoesNotFit() throws {
    let (path, header) = try recording(passes: 4)
    #expect(
      try reason(path, header, 3..<6) == "FILE has steps 3 to 4, this run needs steps 3 to 5")
    #expect(
      try reason(path, header, 0..<4) == "FILE has steps 3 to 4, this run needs steps 0 to 3")
    let single = try RouteHeader(of: manifest(), passes: 1, firstStep: 3)
    #expect(
      try reason(path, single, 3..<4) == "FILE has 2 batches for each step, this run takes 1")
    let others = [
      try manifest { $0.batch = 5 }, try manifest { $0.routers[1].experts = 4 },
      try manifest { $0.parameters[0].shape = [3] }, try manifest { $0.routers.removeLast() },
    ]
    for other in others {
      let found = try reason(path, RouteHeader(of: other, passes: 2, firstStep: 3), 3..<4)
      #expect(found.hasPrefix("FILE was recorded from another"), "\(found)")
    }
    #expect(throws: RouteFileError.routesNothing(model: "bigram")) {
      try RouteHeader(of: manifest { $0.routers = [] }, passes: 1, firstStep: 0)
    }
  }

  @Test func refusesWhateverIsDamaged() throws {
    let (path, header) = try recording(passes: 4)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    func expectRefusal(_ bytes: Data, _ what: String) throws {
      try bytes.write(to: URL(fileURLWithPath: path))
      let found = try reason(path, header, 3..<5)
      #expect(found.hasPrefix("FILE is no sound recording of routes: "), "\(what): \(found)")
    }
    for length in [0, 7, 15, 16, 40, whole.count / 2, whole.count - 1, whole.count - 16] {
      try expectRefusal(whole.prefix(length), "\(length) bytes")
    }
    try expectRefusal(whole + Data([0]), "a byte more")
    for place in stride(from: 0, to: whole.count, by: 97) {
      var bytes = whole
      bytes[place] ^= 0x10
      // A name may be another; whatever tells of choices may not.
      try bytes.write(to: URL(fileURLWithPath: path))
      let reader = try? RouteReader(path: path)
      let isSame =
        (try? reader?.experts(step: 3, pass: 0) == choices(manifest(), 0)) == true
        && (try? reader?.experts(step: 4, pass: 1) == choices(manifest(), 3)) == true
      let isRefused = (try? reader?.check(header, steps: 3..<5)) == nil
      #expect(isSame || isRefused, "byte \(place)")
    }
    #expect(throws: RouteFileError.self) { try RouteReader(path: path + ".absent") }
    #expect(throws: RouteFileError.self) {
      try RouteRecorder(path: "/absent/r.bin", header)
    }
  }
}
