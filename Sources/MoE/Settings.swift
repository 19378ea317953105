import GraphIR
import Synchronization

/// The settings of a model as it asks for them, and what was chosen.
///
/// A model.swift asks for most of them before its model begins, at the process's beginning; a function
/// of a helper file may do so while the model is traced.
struct Settings: Sendable {
  /// In the order in which they were asked for.
  private(set) var all: [ModelSetting] = []
  private(set) var diagnostics: [Diagnostic] = []
  private var sites: [String: Site] = [:]

  /// Chosen values by name, as they were written.
  @TaskLocal static var given: [Given] = Given.read(CommandLine.arguments)

  /// `experts=16`.
  struct Given: Hashable, Sendable {
    var name: String
    var value: String

    /// Those after each `--setting` of a model's own command line.
    static func read(_ arguments: [String]) -> [Given] {
      zip(arguments, arguments.dropFirst()).compactMap { word, next in
        guard word == "--setting", let equals = next.firstIndex(of: "=") else { return nil }
        return Given(
          name: String(next[..<equals]), value: String(next[next.index(after: equals)...]))
      }
    }
  }

  private static let process = Mutex(Settings())

  /// What was asked for in this process outside of a model.
  static var ofProcess: Settings { process.withLock { $0 } }

  /// The value of a setting; notes what is wrong with it.
  static func choose(
    _ name: String, _ usual: ModelSetting.Value, _ choices: ModelSetting.Choices, _ help: String,
    _ site: Site
  ) -> ModelSetting.Value {
    var setting = ModelSetting(
      name: name, value: usual, usual: usual, choices: choices, help: help, location: site.node)
    let chosen = given.last { $0.name == name }
    if let tracer = Tracer.current {
      tracer.settings.add(&setting, chosen, site)
    } else {
      process.withLock { $0.add(&setting, chosen, site) }
    }
    return setting.value
  }

  private mutating func add(_ setting: inout ModelSetting, _ given: Given?, _ site: Site) {
    if let first = sites[setting.name] {
      // A function that is called again asks again.
      if first != site {
        report(
          "there are two of the name \(setting.name)", site, "the first one is at \(first.location)"
        )
      }
      if let known = all.first(where: { $0.name == setting.name }), known.usual == setting.usual {
        setting.value = known.value
      }
      return
    }
    sites[setting.name] = site
    if let problem = Self.problem(of: setting) {
      return report(problem.message, site, problem.hint)
    }
    if let given {
      do throws(Mismatch) {
        setting.value = try setting.value(of: given.value)
      } catch {
        report(error.message, site, error.hint)
      }
    }
    all.append(setting)
  }

  private mutating func report(_ message: String, _ site: Site, _ hint: String?) {
    diagnostics.append(Diagnostic(at: site.location, "Setting: \(message)", hint: hint))
  }

  /// What is wrong with a setting itself.
  private static func problem(of setting: ModelSetting) -> Mismatch? {
    let name = setting.name
    guard Names.isModel(name) else {
      let rule = "must be a letter followed by letters, digits, - and _"
      return Mismatch("the name \(name.quoted) \(Names.problem(name, rule: rule))")
    }
    guard !setting.help.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f })
    else { return Mismatch("the help of \(name) is not one line") }
    if case .words(let words) = setting.choices {
      if let odd = words.first(where: { !Names.isWordOfSetting($0) }) {
        return Mismatch(
          "\(name) cannot be \(odd.quoted)",
          hint: "words are made of letters, digits, -, _ and dots, and are no longer than 64")
      }
      if Set(words).count < words.count { return Mismatch("\(name) has a word twice") }
    }
    guard setting.allows(setting.usual) else {
      return Mismatch("\(name) cannot be \(setting.usual)", hint: "\(name) is \(setting.kind)")
    }
    return nil
  }

  /// What was chosen of something that the model never asked for.
  func unknown(_ given: [Given]) -> [Diagnostic] {
    given.filter { choice in sites[choice.name] == nil }.map { choice in
      let list = all.map { "\($0.name) (\($0.kind))" }.joined(separator: ", ")
      return Diagnostic(
        at: nil, "the model has no setting \(choice.name.quoted)",
        hint: all.isEmpty
          ? "it has none: declare one with Setting(\"experts\", 8)" : "it has: \(list)")
    }
  }
}
