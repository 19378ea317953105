import Foundation
import Testing

/// Which target may know which: Package.swift says it, and the sources' imports keep to it.
@Suite struct ArrangementTests {
  private let package: PackageDescription
  private let sources: [SourceFile]

  /// Read once for all tests.
  private static let read = Result {
    let package = try PackageDescription()
    return (package, try SourceFile.all(of: package))
  }

  init() throws { (package, sources) = try Self.read.get() }

  @Test func thePackageIsRead() {
    #expect(package.targets.count > 40)
    #expect(package.target("Codegen")?.dependencies.contains("GraphIR") == true)
    #expect(package.target("moec")?.dependencies.contains("ArgumentParser") == true)
    #expect(package.target("ModelFixtures")?.folder == "Tests/ModelFixtures")
    #expect(sources.count > 500)
  }

  @Test func everyImportIsDeclared() {
    let known = Set(package.targets.map(\.name) + ["ArgumentParser"])
    for source in sources {
      let own = Set([source.target.name] + source.target.dependencies)
      let undeclared = source.imports.intersection(known).subtracting(own)
      #expect(undeclared.isEmpty, "\(source.path) imports \(undeclared.sorted())")
    }
  }

  /// Tests also depend on programs that they start; `moec` on the module that it compiles models
  /// against; C includes.
  @Test func everyDependencyIsImported() {
    for target in package.targets where target.folder.hasPrefix("Sources/") {
      let files = sources.filter { $0.target.name == target.name }
      guard !files.isEmpty else { continue }
      let imported = files.reduce(into: Set<String>()) { $0.formUnion($1.imports) }
      let idle = Set(target.dependencies).subtracting(imported).subtracting(["MoE", "CCarried"])
      #expect(idle.isEmpty, "\(target.name) does not import \(idle.sorted())")
    }
  }

  @Test func arrowsHaveOneDirection() {
    for target in package.targets {
      #expect(!package.reached(from: target.name).contains(target.name), "\(target.name)")
    }
  }

  /// What makes and runs no files does not need Foundation, and starts sooner without it.
  @Test(
    arguments: [
      "GraphIR", "MoE", "Lint", "Passes", "Lowering", "Planning", "Codegen", "JSON", "Words",
    ])
  func isWithoutFoundation(_ name: String) {
    for source in sources where source.target.name == name {
      let imported = source.imports.intersection(["Foundation", "FoundationEssentials"])
      #expect(imported.isEmpty, "\(source.path) imports \(imported.sorted())")
    }
  }

  /// What runs a library knows of a model only what the library says.
  @Test(arguments: ["ModelRuntime", "Exchange", "Tokenizer", "Tracking", "Runner"])
  func knowsNoGraph(_ name: String) {
    let compiler: Set = [
      "GraphIR", "MoE", "Lint", "Passes", "Lowering", "Planning", "Codegen", "Driver", "Toolchain",
    ]
    #expect(package.reached(from: name).intersection(compiler) == [])
  }

  /// The compiler knows of no file and no process.
  @Test(arguments: ["GraphIR", "MoE", "Lint", "Passes", "Lowering", "Planning", "Codegen"])
  func knowsNoMachine(_ name: String) {
    let around: Set = ["SystemFiles", "Toolchain", "ModelRuntime", "Exchange", "Runner", "Driver"]
    #expect(package.reached(from: name).intersection(around) == [])
  }

  /// Two types of one name that meet in a file, but for those that the DSL has for what the graph has
  /// too: a model's author sees only the DSL's.
  @Test func namesAreOfOneType() {
    var types: [String: [String: Bool]] = [:]
    for source in sources where source.path.hasPrefix("Sources/") {
      types[source.target.name, default: [:]].merge(source.types) { $0 || $1 }
    }
    for source in sources {
      var owners: [String: Set<String>] = [:]
      for module in source.imports.union([source.target.name]) {
        let isOwn = module == source.target.name || source.testableImports.contains(module)
        for (name, isPublic) in types[module] ?? [:] where isOwn || isPublic {
          owners[name, default: []].insert(module)
        }
      }
      let twice = owners.filter { $0.value.count > 1 && !["Axis", "Optimizer"].contains($0.key) }
      #expect(twice.isEmpty, "\(source.path): \(twice)")
    }
  }
}

/// What Package.swift says of targets.
struct PackageDescription {
  struct Target {
    var name: String
    var dependencies: [String]
    var folder: String
  }

  var targets: [Target] = []

  init() throws {
    let text = try String(contentsOfFile: "\(root)/Package.swift", encoding: .utf8)
    for match in text.matches(of: /\.(target|executableTarget|testTarget)\(/) {
      let call = Self.balanced(text[match.range.upperBound...], "(", ")")
      guard let name = call.firstMatch(of: /name: "([^"]+)"/) else { continue }
      var dependencies: [String] = []
      if let start = call.firstMatch(of: /dependencies: \[/) {
        let list = Self.balanced(call[start.range.upperBound...], "[", "]")
        let products = list.replacing(/\.product\(name: "([^"]+)"[^)]*\)/) { "\"\($0.output.1)\"" }
        dependencies = products.matches(of: /"([^"]+)"/).map { String($0.output.1) }
      }
      let usual = match.output.1 == "testTarget" ? "Tests" : "Sources"
      let path = call.firstMatch(of: /path: "([^"]+)"/).map { String($0.output.1) }
      targets.append(
        Target(
          name: String(name.output.1), dependencies: dependencies,
          folder: path ?? "\(usual)/\(name.output.1)"))
    }
  }

  func target(_ name: String) -> Target? { targets.first { $0.name == name } }

  /// All that a target depends on, of it or of what it depends on.
  func reached(from name: String) -> Set<String> {
    var open = target(name)?.dependencies ?? []
    var reached: Set<String> = []
    while let next = open.popLast() {
      if reached.insert(next).inserted { open += target(next)?.dependencies ?? [] }
    }
    return reached
  }

  /// The text up to the bracket that closes what was opened before it.
  private static func balanced(
    _ text: Substring, _ opening: Character, _ closing: Character
  ) -> Substring {
    var depth = 1
    for index in text.indices {
      if text[index] == opening { depth += 1 }
      if text[index] == closing { depth -= 1 }
      if depth == 0 { return text[..<index] }
    }
    return text
  }
}

/// A Swift file of the package: what it imports, and the types that it declares.
struct SourceFile {
  var path: String
  var target: PackageDescription.Target
  var imports: Set<String> = []
  var testableImports: Set<String> = []
  /// Whether others see it, by name.
  var types: [String: Bool] = [:]

  init(_ path: String, _ target: PackageDescription.Target) throws {
    (self.path, self.target) = (path, target)
    let text = try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) where Self.isOutermost(line) {
      take(Substring(line).split(separator: " "))
    }
  }

  /// Whether a line is one of a file's own declarations, which begin at its margin.
  private static func isOutermost(_ line: Substring.UTF8View) -> Bool {
    guard let first = line.first else { return false }
    return first == UInt8(ascii: "@") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first)
  }

  private mutating func take(_ words: [Substring]) {
    if words.count <= 3, let place = words.firstIndex(of: "import"), place + 1 < words.count {
      let name = String(words[place + 1])
      imports.insert(name)
      if words[0] == "@testable" { testableImports.insert(name) }
      return
    }
    let modifiers: Set<Substring> = ["public", "package", "indirect", "final"]
    let rest = words.drop { modifiers.contains($0) }
    guard let kind = rest.first, ["struct", "class", "enum", "protocol"].contains(kind),
      let name = rest.dropFirst().first?.prefix(while: { $0.isLetter || $0.isNumber || $0 == "_" })
    else { return }
    types[String(name)] = ["public", "package"].contains(words[0])
  }

  /// Those of all targets; the tutorial's are chapters of one model.
  static func all(of package: PackageDescription) throws -> [SourceFile] {
    try package.targets.flatMap { target in
      try FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(target.folder)")
        .filter { $0.hasSuffix(".swift") && !$0.contains(".docc/") && !$0.contains("Fixtures/") }
        .sorted().map { try SourceFile("\(target.folder)/\($0)", target) }
    }
  }
}
