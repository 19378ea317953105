/// One kernel in C: `kernels/NAME.h` beside the generated layers, and of large ones `kernels/NAME.c`.
///
/// The text is the same for every model, but for lines about documents, and lies as files in `CKernels`.
/// What stands in a header has sizes as arguments, which the C compiler sees as constants at every call and folds. What gains
/// nothing by that, and takes long to compile, stands in a file of its own: it is compiled once for all
/// layers, and an edit of the model leaves it as it is. A model gets only the files that its plan
/// calls, and what those include.
struct KernelFile: Sendable {
  /// The file's name without `.h`, snake_case.
  let name: String

  /// What layers include.
  let header: GeneratedFile

  /// What is compiled by itself; nil if all of it is in the header.
  let body: GeneratedFile?

  /// The files as `CKernels` has them.
  var files: [GeneratedFile] { [header] + (body.map { [$0] } ?? []) }

  /// Whether some lines are only for models whose rows hold several documents.
  private let asksForDocuments: Bool

  /// The files as they lie beside a model's layers.
  func generated(in runtime: RuntimeText) -> [GeneratedFile] {
    if !asksForDocuments { return files }
    return files.map { GeneratedFile(path: $0.path, text: runtime.resolved($0.text)) }
  }

  /// All other kernel files that it needs, by name.
  let needs: [String]

  init(name: String, header: GeneratedFile, body: GeneratedFile?) {
    (self.name, self.header, self.body) = (name, header, body)
    let question = "#if \(RuntimeText.Condition.takesDocuments.rawValue)\n"
    asksForDocuments = [header, body].contains { $0?.text.contains(question) ?? false }
    needs = (Self.includes(header) + (body.map(Self.includes) ?? [])).filter { $0 != name }
  }

  /// The names in `#include "NAME.h"`.
  private static func includes(_ file: GeneratedFile) -> [String] {
    let (start, end) = ("#include \"".utf8, ".h\"".utf8)
    return file.text.utf8.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard line.starts(with: start), line.suffix(end.count).elementsEqual(end) else { return nil }
      return String(line.dropFirst(start.count).dropLast(end.count))
    }
  }
}
