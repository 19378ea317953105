import Foundation
import ModelFixtures
import Testing

@testable import moec

/// `moec new`, and what an editor makes of its folders.
@Suite struct NewTests {
  private static func new(_ arguments: [String], in folder: String) throws -> Command {
    try Command.moec(["new"] + arguments, in: folder)
  }

  private static func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  @Test("Every model is the example of its name, and is right", arguments: Template.allCases)
  func models(template: Template) throws {
    let folder = try ModelFixture.folder()
    let made = try Self.new(["work", "--model", template.rawValue], in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let example = try Self.text("\(Self.repository)/Examples/\(template.rawValue).swift")
    #expect(try Self.text("\(folder)/work/model.swift") == example)
    let check = try Command.moec(["check", "model.swift", "--strict"], in: folder + "/work")
    #expect(check.status == 0, "\(check.errors)")
  }

  @Test("Where there is no room, nothing is left in the way of the next try")
  func fullDisk() throws {
    let folder = try ModelFixture.folder()
    // Files may have so many blocks of 512 bytes or of a kilobyte: the text has more.
    let script = "ulimit -f 100; trap '' XFSZ; exec \"$0\" new \"$1\""
    let made = try Command.shell(script, ["work"], in: folder)
    #expect(made.status == 1 && made.errors.contains("shakespeare.txt"), "\(made)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/work"))
    try FileManager.default.createDirectory(
      atPath: "\(folder)/mine", withIntermediateDirectories: false)
    #expect(try Command.shell(script, ["mine"], in: folder).status == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/mine").isEmpty)
  }

  @Test("A text that cannot be read again is refused")
  func pipedText() throws {
    let folder = try ModelFixture.folder()
    let made = try Command.shell(
      "mkfifo p; printf 'some text' > p & exec \"$0\" new work --data p", in: folder)
    #expect(made.status == 1 && made.errors.contains("hint: name an ordinary file"), "\(made)")
  }

  @Test("A name that nobody sees is none", arguments: ["", " "])
  func blankName(name: String) throws {
    let made = try Self.new([name], in: ModelFixture.folder())
    #expect(made.status == 64 && made.errors.contains("name a folder, such as my-model"), "\(made)")
  }

  @Test("A text that the model could not be trained on is refused, before anything is made")
  func shortText() throws {
    let folder = try ModelFixture.folder()
    let made = try Command.shell("printf a > one; exec \"$0\" new work --data one", in: folder)
    let message = "one is too short: it has 1 character, and a model with a context of 32 needs 321"
    #expect(made.status == 1 && made.errors.contains(message), "\(made)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/work"))
  }

  @Test("What it says comes next can be typed as it stands, and leaves git nothing to show")
  func nextCommands() throws {
    let folder = try ModelFixture.folder()
    let made = try Self.new(["my work", "--model", "tiny"], in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let git = try Command.shell(
      """
      command -v git > /dev/null || exit 77
      cd 'my work' && git init -q . && git add -A && git -c user.name=a -c user.email=a@b \
        commit -qm begun && git ls-files
      """, in: folder)
    #expect(
      git.status == 77
        || git.output == ".gitignore\nREADME.md\nmodel.swift\nshakespeare.txt\n", "\(git)")
    let lines = made.output.split(separator: "\n").filter { $0.hasPrefix("  ") }
    #expect(lines.count == 5)
    // The program itself in place of the way to it, which a test must not build.
    let script = lines.map { line in
      line.replacing(#/^.*?moec (?=check|compile|run )/#, with: "\"$0\" ")
        .replacing("--steps 600", with: "--steps 2")
    }.joined(separator: " &&\n")
    // Runs go where a person's would.
    let result = try Command.shell("unset MOEC_RUNS\n" + script, in: folder)
    #expect(result.status == 0, "\(script)\n\(result.errors)")
    #expect(result.output.contains("step 1: train loss "))
    let readme = try Self.text("\(folder)/my work/README.md")
    for line in lines.dropFirst() {
      let words = line.split(separator: " moec ").last ?? line
      #expect(readme.contains("\n    moec \(words)"), "\(words)")
    }
    guard git.status == 0 else { return }
    let status = try Command.shell("git -C 'my work' status --porcelain", in: folder)
    #expect(status.output == "")
  }

  @Test("A text of one's own gives the model its number of characters")
  func ownText() throws {
    let folder = try ModelFixture.folder()
    let text = String(repeating: "äöü abc\n", count: 100)
    try text.write(toFile: folder + "/my text.txt", atomically: true, encoding: .utf8)
    let made = try Self.new(["work", "--model", "tiny", "--data", "my text.txt"], in: folder)
    #expect(made.status == 0, "\(made.errors)")
    #expect(try Self.text("\(folder)/work/model.swift").contains(#"Axis("V", 8)"#))
    #expect(made.output.contains("--data '\(folder)/my text.txt'"), "\(made.output)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/work/shakespeare.txt"))
  }

  @Test("A folder with something in it stays as it is")
  func keepsWhatIsThere() throws {
    let folder = try ModelFixture.folder()
    try "mine".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
    for name in [".", "file"] {
      let result = try Self.new([name], in: folder)
      #expect(result.status == 1)
      #expect(result.errors.contains("error: \(name) is there already, and "))
      #expect(result.errors.contains("hint: name another folder"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
    let missing = try Self.new(["work", "--data", "none.txt"], in: folder)
    #expect(missing.status == 1 && missing.errors.contains("none.txt"))
    #expect(try Self.new(["work", "--model", "wonder"], in: folder).status == 64)
    #expect(try Self.new([""], in: folder).status == 64)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["file"])
  }

  @Test("The folder is entered as it must be typed", arguments: ["-x", "-", ".", "a b/-c"])
  func enters(name: String) throws {
    let folder = try ModelFixture.folder()
    let made = try Self.new(["--", name], in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let lines = made.output.split(separator: "\n").filter { $0.hasPrefix("  cd ") }
    #expect(lines.count == (name == "." ? 0 : 1), "\(made.output)")
    let script = (lines + ["pwd -P"]).joined(separator: "\n")
    #expect(try Command.shell(script, in: folder).output.hasSuffix("\(name == "." ? "" : name)\n"))
  }

  @Test("Why a folder cannot be made is said")
  func cannotBeMade() throws {
    let folder = try ModelFixture.folder()
    try "mine".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(
      atPath: folder + "/link", withDestinationPath: "nowhere")
    for (name, text) in [
      ("file/x", "error: cannot make file/x: Not a directory\nhint: a part of the path is a file"),
      ("link", "error: cannot make link: File exists\nhint: name another place, or remove"),
      ("a\nb", "error: the name of the folder has a character that no line shows\nhint: "),
    ] {
      let result = try Self.new([name], in: folder)
      #expect(result.status == 1 && result.errors.hasPrefix(text), "\(result.errors)")
    }
  }

  @Test("check and compile mend what says how a model is compiled, if it is moec's")
  func mends() throws {
    let files = FileManager.default
    let folder = try ModelFixture.folder()
    #expect(try Self.new(["work", "--model", "tiny"], in: folder).status == 0)
    let commands = "\(folder)/moved/compile_commands.json"
    // Moved, and with a second model.
    try files.moveItem(atPath: "\(folder)/work", toPath: "\(folder)/moved")
    let stale = try Self.text(commands)
    try files.copyItem(
      atPath: "\(folder)/moved/model.swift", toPath: "\(folder)/moved/other.swift")
    #expect(try Command.moec(["check", "moved/other.swift"], in: folder).status == 0)
    let mended = try Self.text(commands)
    #expect(stale.contains("/work\"") && !mended.contains("/work\""), "\(mended)")
    #expect(mended.contains("/moved\"") && mended.contains("\"other.swift\""))
    #expect(mended.contains("\"model.swift\""))
    // Gone, as in a clone of the folder.
    try files.removeItem(atPath: commands)
    try files.removeItem(atPath: "\(folder)/moved/other.swift")
    let emit = try Command.moec(
      ["compile", "model.swift", "--emit", "graph"], in: "\(folder)/moved")
    #expect(emit.status == 0)
    let alone = mended.replacing(/,\n  \{[^}]*"other.swift"\n  \}/, with: "")
    #expect(alone != mended)
    #expect(try Self.text(commands) == alone)
    // Somebody else's, and a folder that wants none.
    let foreign = #"[{"directory": "/", "file": "a.c", "arguments": ["cc", "a.c"]}]"#
    try foreign.write(toFile: commands, atomically: true, encoding: .utf8)
    #expect(try Command.moec(["check", "model.swift"], in: "\(folder)/moved").status == 0)
    #expect(try Self.text(commands) == foreign)
    try files.removeItem(atPath: commands)
    try files.removeItem(atPath: "\(folder)/moved/.gitignore")
    #expect(try Command.moec(["check", "model.swift"], in: "\(folder)/moved").status == 0)
    #expect(!files.fileExists(atPath: commands))
  }
}
