import Foundation
import ModelFixtures
import Testing

@testable import ModelRuntime

@Suite struct EmbeddedSourcesTests {
  private func entry(_ name: String, _ text: String) -> [UInt8] {
    bytes(name.utf8.count) + bytes(text.utf8.count) + Array((name + text).utf8)
  }

  private func bytes(_ number: Int) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  @Test func readsASection() throws {
    let section = EmbeddedSources.magic + entry("a.c", "int a;\n") + entry("kernels/b.h", "")
    let files = try EmbeddedSources.parse(section)
    #expect(files.map(\.path) == ["a.c", "kernels/b.h"])
    #expect(files.map(\.text) == ["int a;\n", ""])
    #expect(try EmbeddedSources.parse(EmbeddedSources.magic).isEmpty)
  }

  @Test func refusesASectionCutAnywhere() throws {
    let first = entry("a.c", "int a;\n")
    let section = EmbeddedSources.magic + first + entry("b.c", "x")
    let whole = [0, first.count].map { EmbeddedSources.magic.count + $0 } + [section.count]
    for length in 0..<section.count where !whole.contains(length) {
      #expect(throws: EmbeddedSources.Damage.self, "\(length)") {
        try EmbeddedSources.parse(Array(section.prefix(length)))
      }
    }
    let huge = EmbeddedSources.magic + bytes(-1) + bytes(-1) + Array("a".utf8)
    #expect(throws: EmbeddedSources.Damage.self) { try EmbeddedSources.parse(huge) }
  }

  @Test(arguments: ["", "..", "/a", "../a", "a/../b", "a//b", "./a", "a\\b", "a\n", "é", "a/"])
  func refusesNamesThatLeaveTheFolder(_ name: String) throws {
    #expect(throws: EmbeddedSources.Damage.self) {
      try EmbeddedSources.parse(EmbeddedSources.magic + entry(name, "x"))
    }
  }

  @Test func refusesANameGivenTwice() throws {
    #expect(throws: EmbeddedSources.Damage.self) {
      try EmbeddedSources.parse(EmbeddedSources.magic + entry("a", "x") + entry("a", "y"))
    }
  }

  // MARK: - In files

  @Test func saysThatThereAreNone() throws {
    let path = try ModelFixture.bigram()
    #expect(throws: EmbeddedSourcesError.absent(path: path)) {
      try EmbeddedSources(library: path)
    }
    let text = try ModelFixture.file(Array("no library".utf8), named: "text.so")
    #expect(
      throws: EmbeddedSourcesError.notALibrary(path: text, reason: "it is neither ELF nor Mach-O")
    ) { try EmbeddedSources(library: text) }
    let absent = try ModelFixture.folder() + "/absent.so"
    let error = #expect(throws: EmbeddedSourcesError.self) {
      try EmbeddedSources(library: absent)
    }
    #expect(error?.message.contains("cannot read") == true)
  }

  /// A file with the section, compiled for a target; nil if no compiler here builds for it.
  private func object(_ section: String, target: [String]) throws -> String? {
    let folder = try ModelFixture.folder()
    let source = """
      __asm__("\(section)\\n"
              ".ascii \\"moecsrc1\\"\\n.quad 3, 6\\n.ascii \\"a.cint a;\\"\\n.text\\n");
      int one(void);
      int one(void) { return 1; }

      """
    try source.write(toFile: folder + "/s.c", atomically: true, encoding: .utf8)
    for compiler in ["clang", "clang-14", "gcc"] {
      let arguments = [compiler] + target + ["-c", folder + "/s.c", "-o", folder + "/s.o"]
      if try Command.run("/usr/bin/env", arguments).status == 0 { return folder + "/s.o" }
    }
    return nil
  }

  private let elf = ".section .moec.sources,\\\"\\\",%progbits"
  private let machO = ".section __MOEC,__sources,regular,no_dead_strip"

  @Test func findsTheSectionOfELFAndMachO() throws {
    let objects = [
      try object(elf, target: []), try object(elf, target: ["-target", "aarch64-linux-gnu"]),
      try object(machO, target: ["-target", "arm64-apple-macos13"]),
      try object(machO, target: ["-target", "x86_64-apple-macos13"]),
    ].compactMap { $0 }
    try #require(!objects.isEmpty)
    for path in objects {
      let sources = try EmbeddedSources(library: path)
      #expect(sources.files == [.init(path: "a.c", bytes: Array("int a;".utf8))])
      let folder = try ModelFixture.folder() + "/deep/er"
      try sources.write(to: folder)
      #expect(try String(contentsOfFile: folder + "/a.c", encoding: .utf8) == "int a;")
    }
  }

  /// Whatever byte is damaged: an error or other files, never a crash.
  @Test func standsDamage() throws {
    for (section, target) in [(elf, []), (machO, ["-target", "arm64-apple-macos13"])] {
      guard let path = try object(section, target: target) else { continue }
      let whole = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
      let place = path + ".damaged"
      for index in whole.indices {
        for value: UInt8 in [0, 0x7f, 0xff] where whole[index] != value {
          var bytes = whole
          bytes[index] = value
          try Data(bytes).write(to: URL(fileURLWithPath: place))
          _ = try? EmbeddedSources(library: place)
        }
      }
      for length in stride(from: 0, to: whole.count, by: 7) {
        try Data(whole.prefix(length)).write(to: URL(fileURLWithPath: place))
        _ = try? EmbeddedSources(library: place)
      }
    }
  }
}
