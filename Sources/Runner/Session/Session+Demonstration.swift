import Exchange
import Foundation
import SystemFiles

extension Session {
  /// Whether a demonstration of so many steps may save at `path`: what is there came from one that was
  /// no longer. Errors: it was trained further, or is something else.
  public static func checkDemonstration(
    at path: String, steps: Int, of library: String
  ) throws(EarlierDemonstration) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_size > 0 else { return }
    if let file = try? Safetensors(path: path), let text = file.metadata["run"],
      let record = try? JSONDecoder().decode(RunRecord.self, from: Data(text.utf8)),
      // Only a run of `moec run --train` notes its evaluations.
      record.progress.last == nil, let step = file.metadata["step"].flatMap({ Int($0) }),
      step <= steps
    {
      return
    }
    throw EarlierDemonstration(path: path, library: library)
  }
}

/// What a demonstration must not replace.
public struct EarlierDemonstration: ExplainedError, Equatable {
  public let path: String
  public let library: String

  public var message: String { "\(path) was trained further, and the demo would replace it" }

  public var hint: String {
    let path = ShellWord.quoted(path)
    return
      "go on with: moec run \(ShellWord.quoted(library)) --train --resume \(path) --save \(path); "
      + "or replace it with --overwrite, or name another folder with --output"
  }
}
