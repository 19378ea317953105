import Foundation
import ModelFixtures
import Testing

private let hasGccWithOpenMP =
  (try? Command.shell("echo 'int main(void){}' | gcc -fopenmp -x c - -o /dev/null").status) == 0

/// `moec doctor`, on machines that have little, and things that do not work.
@Suite struct DoctorTests {
  private struct Checkup: Decodable {
    struct Finding: Decodable {
      var name: String
      var state: String
      var version: String?
      var note: String?
      var install: String?
    }

    var needed: [Finding]
    var compilers: [Finding]
    var useful: [Finding]

    func finding(_ name: String) -> Finding? {
      (needed + compilers + useful).first { $0.name == name }
    }
  }

  /// Runs it with nothing on `PATH` but these scripts.
  private func doctor(
    _ scripts: [String: String], _ options: [String], python: String? = nil
  ) throws -> Command {
    let folder = try ModelFixture.folder()
    for (name, script) in scripts {
      let written = try Command.shell(
        "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod +x \"$2\"",
        [script, "\(folder)/\(name)"])
      try #require(written.status == 0)
    }
    return try Command.run(
      "/usr/bin/env",
      [
        "PATH=\(folder)", "MOEC_PYTHON=\(python.map { "\(folder)/\($0)" } ?? "")",
        "MOEC_CACHE=\(folder)/cache", try Command.moecPath(), "doctor",
      ] + options)
  }

  private func decoded(_ result: Command) throws -> Checkup {
    try JSONDecoder().decode(Checkup.self, from: Data(result.output.utf8))
  }

  @Test("With nothing there it says what installs it, and ends with 1")
  func nothing() throws {
    let result = try doctor([:], [])
    #expect(result.status == 1)
    #expect(result.errors == "")
    #expect(result.output.contains("to install: see https://www.swift.org/install"))
    #expect(result.output.contains("what Debian calls gcc libc6-dev, and Homebrew llvm"))
    #expect(result.output.contains("models cannot be compiled here"))
    let all = try decoded(try doctor([:], ["--json"]))
    #expect(all.compilers.isEmpty)
    let isOfTheMachine = ["modules", "TMPDIR"]
    for finding in all.needed + all.useful where !isOfTheMachine.contains(finding.name) {
      #expect(finding.state == "missing" && finding.install != nil, "\(finding)")
    }
  }

  @Test("Programs that hang, fail or say nothing do not stop it")
  func broken() throws {
    let scripts = [
      "swiftc": "echo 'Swift version 6.9.1 (x)'", "clang": "exec /bin/sleep 60",
      "gcc": "echo no headers >&2; exit 1", "dot": "exec /bin/sleep 60", "rsvg-convert": "exit 3",
      "python3": "exec /bin/sleep 60", "brew": "", "mpicc": "echo no gcc >&2; exit 1",
    ]
    let start = ContinuousClock.now
    let all = try decoded(try doctor(scripts, ["--json", "--time-limit", "0.5"]))
    #expect(ContinuousClock.now - start < .seconds(50))
    #expect(all.finding("swiftc")?.version == "6.9.1")
    #expect(all.finding("dot")?.state == "broken")
    #expect(all.finding("dot")?.note?.contains("still running after 0.5 s") == true)
    #expect(all.finding("rsvg-convert")?.note == "'rsvg-convert --version' fails")
    #expect(all.finding("mpicc")?.state == "broken" && all.finding("mpicc")?.install == nil)
    #expect(all.finding("mpicc")?.note?.hasSuffix("/mpicc: no gcc") == true)
    #expect(all.finding("gcc")?.note == "builds no shared library: no headers")
    #expect(all.finding("clang")?.state == "broken")
    #expect(all.finding("C compiler")?.install == "brew install llvm")
    // Whether it is there is not known.
    #expect(all.finding("numpy")?.state == "broken" && all.finding("numpy")?.install == nil)
  }

  @Test("Without a place for temporary files it says so, and what to do")
  func noTemporaryFiles() throws {
    let result = try Command.shell("TMPDIR=/dev/null/none exec \"$0\" doctor --json")
    let all = try decoded(result)
    #expect(result.status == 1)
    let temporary = try #require(all.finding("TMPDIR"))
    #expect(temporary.state == "broken" && temporary.install?.contains("TMPDIR") == true)
    #expect(temporary.note?.hasPrefix("cannot write /dev/null/none") == true)
    // Another compiler would not help.
    #expect(all.finding("C compiler")?.install == nil)
    let text = try Command.shell("TMPDIR=/dev/null/none exec \"$0\" doctor").output
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(text)")
  }

  @Test(
    "mpicc is told by its MPI, not by the C compiler that it runs",
    arguments: [
      ("-v", "mpicc for MPICH version 4.9.1"), ("--showme:version", "Open MPI 5.9.2 (C)"),
    ]
  )
  func mpi(question: String, answer: String) throws {
    let script = "case $1 in -show|\(question)) echo \"\(answer)\";; *) exit 1;; esac"
    let all = try decoded(try doctor(["mpicc": script], ["--json"]))
    let version = answer.firstMatch(of: /[45].9.[12]/).map { String($0.output) }
    #expect(all.finding("mpicc")?.version == version)
    #expect(all.finding("mpicc")?.state == "found")
  }

  @Test("Optuna is asked of the Python that searches are made with")
  func searching() throws {
    let scripts = ["python3": "echo numpy 2.1", "other": "echo optuna 4.2"]
    let all = try decoded(try doctor(scripts, ["--json"], python: "other"))
    #expect(all.finding("optuna")?.version == "4.2" && all.finding("numpy")?.version == "2.1")
    let usual = try decoded(try doctor(scripts, ["--json"]))
    #expect(usual.finding("optuna")?.state == "missing")
    let none = try decoded(try doctor(scripts, ["--json"], python: "none"))
    #expect(none.finding("optuna")?.install?.hasSuffix("/none -m pip install optuna") == true)
  }

  @Test("Here, where moec was built, models can be compiled")
  func here() throws {
    let result = try Command.moec(["doctor"])
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("the one that is used"))
    #expect(result.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  @Test("A compiler that was not given time to answer is not to be installed")
  func late() throws {
    let all = try decoded(
      try doctor(["swiftc": "exec /bin/sleep 60"], ["--json", "--time-limit", "0.1"]))
    let swift = try #require(all.finding("swiftc"))
    #expect(swift.state == "broken" && swift.install == nil, "\(swift)")
    #expect(swift.note?.contains("was still running") == true)
  }

  @Test func refusesWrongUsage() throws {
    #expect(try Command.moec(["doctor", "--time-limit", "0"]).status == 64)
  }

  /// gcc's runtime reads its variables as soon as it is loaded, which is when a compiler is tried: a demonstration then
  /// wrote its text in 30 seconds, as its threads were waiting at full speed.
  @Test(.enabled(if: hasGccWithOpenMP, "gcc with OpenMP is not here"))
  func openMPIsToldBeforeACompilerIsTried() throws {
    let folder = try ModelFixture.folder()
    let result = try Command.shell(
      "unset OMP_WAIT_POLICY; OMP_DISPLAY_ENV=VERBOSE MOEC_CACHE='\(folder)' exec \"$0\" doctor")
    let lines = result.errors.split(separator: "\n").filter { $0.contains("GOMP_SPINCOUNT") }
    #expect(!lines.isEmpty && lines.allSatisfy { $0.contains("'3000'") }, "\(lines)")
  }
}
