import Foundation
import ModelFixtures
import Testing

/// `install.sh`, from what was built beside the tests, into folders of their own.
@Suite struct InstallTests {
  private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// An empty folder with a model in it, and spaces in its name.
  private static func folder() throws -> String {
    let folder = try ModelFixture.folder() + "/with spaces"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try ModelFixture.source.write(
      toFile: folder + "/model.swift", atomically: true, encoding: .utf8)
    return folder
  }

  private static func install(_ arguments: [String], in folder: String) throws -> Command {
    try Command.run("\(repository)/install.sh", arguments, in: folder)
  }

  private static func install(to prefix: String, in folder: String) throws -> Command {
    let products = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent().path
    return try install(["--prefix", prefix, "--build", products], in: folder)
  }

  /// Runs an installed moec, of which nothing but its path is known.
  private static func moec(_ path: String, _ arguments: [String], in folder: String) throws
    -> Command
  {
    try Command.run(
      "/usr/bin/env", ["-u", "MOEC_CACHE", "HOME=\(folder)", path] + arguments, in: folder)
  }

  private static func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test("What is installed needs no clone, is replaced by the next, and goes as it came")
  func installs() throws {
    let folder = try Self.folder()
    let first = try Self.install(to: "prefix", in: folder)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("/prefix/bin is not in PATH"), "\(first.output)")
    for name in first.output.matches(of: /\n  (\/[^:\n]*)/).map({ String($0.output.1) }) {
      #expect(FileManager.default.fileExists(atPath: name), "\(name)")
    }
    let old = try Self.names(in: "\(folder)/prefix/lib")
    #expect(try Self.install(to: "prefix", in: folder).status == 0)
    let new = try Self.names(in: "\(folder)/prefix/lib")
    #expect(new.count == 2 && new != old)
    // What is to be typed next holds after the next installation too.
    let made = try Self.moec("\(folder)/prefix/bin/moec", ["new", "work"], in: folder)
    #expect(made.output.contains("/prefix/bin/moec' check model.swift"), "\(made)")

    // Moved as a whole, and reached through a link.
    let files = FileManager.default
    try files.moveItem(atPath: "\(folder)/prefix", toPath: "\(folder)/moved")
    try files.createSymbolicLink(
      atPath: "\(folder)/link", withDestinationPath: "moved/bin/moec")
    let compiled = try Self.moec("\(folder)/link", ["compile", "model.swift"], in: folder)
    #expect(compiled.status == 0, "\(compiled.errors)")
    #expect(files.fileExists(atPath: "\(folder)/build/libmodel.so"))
    let demo = try Self.moec(
      "\(folder)/moved/bin/moec", ["demo", "--steps", "1", "--output", "d"], in: folder)
    #expect(demo.status == 0, "\(demo.errors)")
    #expect(files.fileExists(atPath: "\(folder)/d/makemoe.safetensors"))

    let removed = try Self.install(["--prefix", "moved", "--uninstall"], in: folder)
    #expect(removed.status == 0, "\(removed.errors)")
    // Folders that it made go too; the prefix is the user's, as is what else lies in it.
    let left = try Command.shell("find moved", in: folder)
    #expect(left.output == "moved\n")
  }

  @Test("A file that is not moec's stays", arguments: ["bin/moec", "lib/moec"])
  func keepsOtherFiles(name: String) throws {
    let folder = try Self.folder()
    let file = URL(fileURLWithPath: "\(folder)/prefix/\(name)")
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: file)
    let result = try Self.install(to: "prefix", in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("/prefix/\(name) is there, and this script did not put it"))
    #expect(result.errors.contains("hint: move it away"))
    #expect(try Data(contentsOf: file) == Data("mine".utf8))
    let all = try Command.shell("find prefix -type f -o -type l", in: folder)
    #expect(all.output == "prefix/\(name)\n")
  }

  @Test("What cannot be installed makes no folder")
  func nothingToInstall() throws {
    let folder = try Self.folder()
    let result = try Self.install(["--prefix", "prefix", "--build", "missing"], in: folder)
    #expect(result.status == 1 && result.errors.contains("there is no folder missing"))
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/prefix"))
  }

  @Test("A copy of the program alone says what to do")
  func copiedAlone() throws {
    let folder = try Self.folder()
    // By another process: a child of another test's may hold what this one has open for writing, and a file that is
    // open so does not run.
    #expect(try Command.shell(#"cp "$0" moec"#, in: folder).status == 0)
    let result = try Self.moec("\(folder)/moec", ["check", "model.swift"], in: folder)
    #expect(result.status == 1)
    let lines = result.errors.split(separator: "\n")
    #expect(lines.count == 2, "\(result.errors)")
    #expect(lines.first?.contains("has no Modules/MoE.swiftmodule") == true)
    #expect(lines.last?.contains("./install.sh --prefix DIR") == true)
  }

  @Test("A copy whose links became files finds its modules and examples")
  func copiedWithoutLinks() throws {
    let folder = try Self.folder()
    #expect(try Self.install(to: "prefix", in: folder).status == 0)
    #expect(try Command.shell("cp -rL prefix copied && rm -r prefix", in: folder).status == 0)
    let moec = "\(folder)/copied/bin/moec"
    let checked = try Self.moec(moec, ["check", "model.swift"], in: folder)
    #expect(checked.status == 0, "\(checked.errors)")
    let made = try Self.moec(moec, ["new", "work", "--model", "tiny"], in: folder)
    #expect(made.status == 0, "\(made.errors)")
    // A program of another installation is not to be had with these modules.
    #expect(try Command.shell(#"printf x >> copied/lib/moec/moec"#, in: folder).status == 0)
    let other = try Self.moec(moec, ["check", "model.swift"], in: folder)
    #expect(other.errors.contains("has no Modules/MoE.swiftmodule"), "\(other.errors)")
  }

  /// What is printed is to be pasted into a shell.
  @Test(
    "A prefix may have any name that PATH can hold",
    arguments: ["it's", "a$HOME`b\"c", "-dash", "[x]*", "sub/deep er"])
  func oddPrefixes(name: String) throws {
    let folder = try Self.folder()
    let result = try Self.install(to: name, in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let line = try #require(result.output.firstMatch(of: /\n  (export PATH=.*)/)).output.1
    let found = try Command.run(
      "/bin/sh", ["-c", "\(line)\ncommand -v moec && moec --version"], in: folder)
    #expect(found.output.hasPrefix("\(folder)/\(name)/bin/moec\nmoec "), "\(line) \(found)")
  }

  /// `CDPATH` is set in many a person's shell, and `--prefix=~/x` comes with its tilde.
  @Test func aRelativePrefixIsOfThisFolder() throws {
    let folder = try Self.folder()
    let products = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent().path
    let script = """
      mkdir -p other/here here && export HOME="$PWD/home" CDPATH="$PWD/other"
      "$1" --build "$2" --prefix here && "$1" --build "$2" '--prefix=~/there'
      """
    let result = try Command.shell(
      script, ["\(Self.repository)/install.sh", products], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    for prefix in ["here", "home/there"] {
      #expect(FileManager.default.fileExists(atPath: "\(folder)/\(prefix)/bin/moec"), "\(prefix)")
    }
    #expect(try Self.names(in: "\(folder)/other/here").isEmpty)
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/~"))
  }

  @Test("A file where a folder is needed is one error", arguments: ["bin", "lib", "share"])
  func aFileInTheWay(name: String) throws {
    let folder = try Self.folder()
    try FileManager.default.createDirectory(
      atPath: "\(folder)/prefix", withIntermediateDirectories: true)
    try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folder)/prefix/\(name)"))
    let result = try Self.install(to: "prefix", in: folder)
    #expect(result.status == 1)
    #expect(
      result.errors.contains(#/^error: cannot write in .*\nhint: [^\n]*\n$/#), "\(result.errors)")
  }

  /// Each shell that does not look there by itself is told how to.
  @Test func completionIsSaid() throws {
    let folder = try Self.folder()
    let products = URL(fileURLWithPath: try Command.moecPath()).deletingLastPathComponent().path
    func said(_ shell: String, _ home: String) throws -> String {
      try Command.run(
        "/usr/bin/env",
        [
          "-u", "XDG_DATA_HOME", "-u", "XDG_DATA_DIRS", "SHELL=\(shell)", "HOME=\(folder)/\(home)",
          "\(Self.repository)/install.sh", "--build", products, "--prefix", "home/.local",
        ], in: folder
      ).output
    }
    #expect(try said("/bin/zsh", "home").contains("/home/.local/share/zsh/site-functions' $fpath)"))
    #expect(try !said("/bin/bash", "home").contains("for completion"))
    #expect(try said("/bin/bash", "other").contains("\n  . '\(folder)/home/.local/share/bash-com"))
    #expect(try said("/bin/fish", "other").contains("\n  source '\(folder)/home/.local/share/fish"))
  }

  @Test(
    "Wrong usage exits with 64, and what is missing is said",
    arguments: [
      (["--wonder"], 64, "there is no option --wonder"), (["--prefix"], 64, "needs a folder"),
      (["--prefix="], 64, "--prefix needs a folder"),
      (["--prefix", "a:b", "--build", "."], 1, "a colon or a line's end"),
      (["--prefix", "p", "--build", "none"], 1, "there is no folder none"),
      (["--prefix", "p", "--build", "."], 1, "there is no moec in"),
      (["--prefix", ".", "--uninstall"], 1, "nothing of moec's"),
    ])
  func refuses(arguments: [String], status: Int32, message: String) throws {
    let result = try Self.install(arguments, in: try Self.folder())
    #expect(result.status == status)
    #expect(result.errors.contains("error: ") && result.errors.contains(message))
    #expect(result.errors.contains("\nhint: "), "\(result.errors)")
  }
}
