/// The text of a model: of the file that declares it, and of helper files that are compiled with it.
public struct ModelSource: Hashable, Sendable {
  /// A file as messages name it, and what is in it.
  public struct File: Hashable, Sendable {
    public var path: String
    public var text: String

    public init(path: String, text: String) {
      self.path = path
      self.text = text
    }

    /// The name without folders, as places in a graph have it.
    public var name: String {
      path.split(separator: "/").last.map(String.init) ?? path
    }
  }

  /// The text of the file that declares the model.
  public var model: String

  public var helpers: [File]

  public init(_ model: String, helpers: [File] = []) {
    self.model = model
    self.helpers = helpers
  }

  /// The helper file that a place is in; nil for one in the model's own.
  public func helper(at location: SourceLocation) -> File? {
    helpers.first { $0.name == location.file }
  }
}

/// The lines of a model and of its helpers, by places in them.
public struct ModelLines: Sendable {
  private let model: SourceLines
  private let helpers: [String: SourceLines]

  public init(_ source: ModelSource?) {
    model = SourceLines(source?.model ?? "")
    helpers = Dictionary(
      (source?.helpers ?? []).map { ($0.name, SourceLines($0.text)) }, uniquingKeysWith: { $1 })
  }

  /// The line at a place, without its end; nil if there is none.
  public subscript(location: SourceLocation) -> Substring? {
    lines(of: location.file)[location.line]
  }

  /// The number of the first line of a file that begins so.
  public func firstNumber(beginning text: String, in file: String) -> Int? {
    lines(of: file).firstNumber(beginning: text)
  }

  private func lines(of file: String) -> SourceLines { helpers[file] ?? model }
}
