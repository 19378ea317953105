import Foundation
import Toolchain

/// What moec uses of a machine, and what of it is there.
struct Checkup: Encodable {
  /// Something that moec uses.
  struct Finding: Encodable {
    enum State: String, Encodable {
      case found, missing, broken
    }

    var name: String
    var purpose: String
    var isNeeded = false
    var state = State.missing
    var version: String?
    var path: String?
    /// What is wrong with it, or what else is to be known.
    var note: String?
    /// The command that installs it; nil where it is there.
    var install: String?
  }

  var moec = Moec.version
  var needed: [Finding]
  /// The C compilers in the order in which they are tried.
  var compilers: [Finding]
  var useful: [Finding]
  var notes: [String]

  /// Whether models can be compiled.
  var isWell: Bool { needed.allSatisfy { $0.state == .found } }

  /// Asks everything; a program may take `limit` seconds to answer.
  static func run(limit: Double) -> Checkup {
    let packages = PackageManager.here
    var search = CCompilerSearch()
    search.probeLimit = limit
    let survey = search.survey()
    return Checkup(
      needed: [swift(limit), modules, compiler(survey, packages), temporaryFiles],
      compilers: survey.map(Finding.init),
      useful: [openMP(survey, packages)] + programs(packages, limit) + pythonPackages(limit),
      notes: Self.notes)
  }

  /// What is known to differ here.
  private static var notes: [String] {
    #if os(macOS)
      [
        "macOS: Apple's clang has no OpenMP runtime: 'brew install libomp' gives it one.",
        "macOS: libraries end in .dylib, so read .dylib for .so in all examples.",
        "macOS: moec is developed and tested on Linux; tell what you find.",
      ]
    #else
      []
    #endif
  }
}

// MARK: - What is needed

extension Checkup {
  private static func swift(_ limit: Double) -> Finding {
    var finding = program("swiftc", ["--version"], "compiles models, Swift programs", limit)
    finding.isNeeded = true
    if finding.state != .found, !isLate(finding) {
      finding.install = "see https://www.swift.org/install"
    }
    return finding
  }

  private static var modules: Finding {
    var finding = Finding(
      name: "modules", purpose: "the MoE module that models import", isNeeded: true)
    do throws(ToolchainError) {
      finding.path = try ModelModules.models().folder.path
      finding.state = .found
    } catch {
      finding.note = Self.reason(error)
      finding.install = "./install.sh --prefix DIR, in a clone of moec"
    }
    return finding
  }

  /// Compilers keep files there, and without a place for them none works.
  private static var temporaryFiles: Finding {
    var finding = Finding(
      name: "TMPDIR", purpose: "a folder for temporary files", isNeeded: true)
    do throws(ToolchainError) {
      try TemporaryFolder().remove()
      finding.state = .found
    } catch {
      (finding.state, finding.note) = (.broken, reason(error))
      finding.install = "export TMPDIR=DIR, a folder that you may write"
    }
    return finding
  }

  /// An error in one line.
  private static func reason(_ error: ToolchainError) -> String {
    let line = error.description.split(separator: "\n").first ?? ""
    return String(line.hasPrefix("error: ") ? line.dropFirst("error: ".count) : line)
  }

  private static func compiler(
    _ survey: [CCompilerSearch.Candidate], _ packages: PackageManager
  ) -> Finding {
    var finding = Finding(
      name: "C compiler", purpose: "compiles the C that moec writes", isNeeded: true)
    guard let chosen = survey.first(where: \.isChosen) else {
      finding.install =
        temporaryFiles.state == .found
        ? packages.command(apt: "gcc libc6-dev", brew: "llvm") : nil
      finding.note = survey.isEmpty ? nil : "none of those below works"
      return finding
    }
    finding.state = .found
    finding.path = chosen.path
    finding.version = chosen.version.flatMap(number(in:))
    return finding
  }
}

extension Checkup.Finding {
  fileprivate init(_ candidate: CCompilerSearch.Candidate) {
    let threads = candidate.hasOpenMP ? "OpenMP" : "no OpenMP: one thread"
    name = URL(fileURLWithPath: candidate.path).lastPathComponent
    purpose = candidate.isChosen ? "\(threads); the one that is used" : threads
    state = candidate.version == nil ? .broken : .found
    version = candidate.version
    path = candidate.path
    note = candidate.problem.map { "builds no shared library: \($0)" }
  }
}

// MARK: - What is useful

extension Checkup {
  private static func openMP(
    _ survey: [CCompilerSearch.Candidate], _ packages: PackageManager
  ) -> Finding {
    var finding = Finding(name: "OpenMP", purpose: "training on all cores")
    if let chosen = survey.first(where: \.isChosen), chosen.hasOpenMP {
      finding.state = .found
      finding.note = "by \(chosen.path)"
    } else {
      finding.install = packages.command(apt: "libomp-dev", brew: "libomp")
    }
    return finding
  }

  private static func programs(_ packages: PackageManager, _ limit: Double) -> [Finding] {
    let rows: [(name: String, ask: String, purpose: String, apt: String, brew: String)] = [
      ("rsvg-convert", "--version", "moec plot -o FILE.png", "librsvg2-bin", "librsvg"),
      ("dot", "-V", "moec inspect --graph svg", "graphviz", "graphviz"),
      ("python3", "--version", "Examples/use-from-python, and what follows", "python3", "python"),
    ]
    var findings = rows.map { row in
      var finding = program(row.name, [row.ask], row.purpose, limit)
      if finding.state == .missing {
        finding.install = packages.command(apt: row.apt, brew: row.brew)
      }
      return finding
    }
    var server = program(
      "sourcekit-lsp", nil, "completion, documentation and errors in an editor", limit)
    if server.state != .found { server.install = "comes with Swift: put its folder on PATH" }
    findings.insert(server, at: 0)
    findings.insert(mpi(packages, limit), at: 3)
    return findings
  }

  /// The compiler that ranks under MPI would be given by a plain `mpirun`.
  private static func mpi(_ packages: PackageManager, _ limit: Double) -> Finding {
    var finding = Finding(name: "mpicc", purpose: "moec run under mpirun")
    do throws(ToolchainError) {
      let compiler = try MPICompiler.find()
      (finding.path, finding.state) = (compiler.path, .found)
      let version = try compiler.version(limit: limit)
      finding.version = version.flatMap(number(in:))
      finding.note = version.map { "of \($0)" }
    } catch .noMPICompiler {
      finding.install = packages.command(apt: "libopenmpi-dev openmpi-bin", brew: "open-mpi")
    } catch {
      (finding.state, finding.note) = (.broken, reason(error))
    }
    return finding
  }

  /// A program by its name; `ask` makes it print its version, and nil starts nothing.
  private static func program(
    _ name: String, _ ask: [String]?, _ purpose: String, _ limit: Double
  ) -> Finding {
    var finding = Finding(name: name, purpose: purpose)
    finding.path = Subprocess.path(named: name)
    guard finding.path != nil else { return finding }
    finding.state = .found
    guard let ask else { return finding }
    let supervision = Supervision(limit: limit)
    do throws(ToolchainError) {
      let outcome = try Subprocess(
        named: name, arguments: ask, supervision: supervision)?.run()
      guard let outcome, outcome.status == 0 else {
        let said = outcome?.output.split(separator: "\n").first.map { ": \($0)" } ?? ""
        (finding.state, finding.note) = (.broken, "'\(name) \(ask[0])' fails" + said)
        return finding
      }
      finding.version = number(in: outcome.output)
    } catch {
      (finding.state, finding.note) = (.broken, reason(error))
    }
    return finding
  }

  /// Whether it is here, and was not given the time to say which it is.
  private static func isLate(_ finding: Finding) -> Bool {
    finding.note?.contains("was still running") == true
  }

  /// The first thing in a text that looks like a version.
  static func number(in text: String) -> String? {
    text.firstMatch(of: /[0-9]+(\.[0-9]+)+/).map { String($0.output.0) }
  }
}

/// What installs programs here.
enum PackageManager {
  case apt, brew, unknown

  static var here: PackageManager {
    if Subprocess.path(named: "apt-get") != nil { return .apt }
    return Subprocess.path(named: "brew") != nil ? .brew : .unknown
  }

  func command(apt: String, brew: String) -> String {
    switch self {
    case .apt: "\(geteuid() == 0 ? "" : "sudo ")apt-get install \(apt)"
    case .brew: "brew install \(brew)"
    case .unknown: "what Debian calls \(apt), and Homebrew \(brew)"
    }
  }
}
