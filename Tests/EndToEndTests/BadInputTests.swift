import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// Whatever a user gets wrong, the error says what to do about it.
@Suite struct BadInputTests {
  /// Files that are not what a command wants.
  private static let folder = Result {
    let folder = try SmallModelFile.folder()
    let files: [(String, String)] = [
      ("junk.so", "\u{7F}ELF and nothing more"), ("empty.swift", ""), ("dir/nothing", ""),
      ("exits.swift", "import Foundation\nexit(3)\n"),
    ]
    for (name, text) in files {
      let path = URL(fileURLWithPath: folder).appendingPathComponent(name)
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: path)
    }
    return folder
  }

  @Test(
    "One line of what is wrong, one of what to do, exit code 1",
    arguments: [
      "compile none.swift", "compile dir", "compile text.txt", "compile empty.swift",
      "compile exits.swift", "check none.swift", "check dir", "compile model.swift -o dir",
      "compile model.swift -o no/x.so", "compile model.swift --generated text.txt",
      "compile model.swift --cc nocc", "compile model.swift --cc /bin/true",
      "compile model.swift --no Wonder", "compile model.swift --print-after Wonder",
      "run none.so --train", "run dir --train", "run text.txt --train", "run junk.so --evaluate",
      "run libsmall.so --train --data none.txt", "run libsmall.so --train --data dir",
      "run libsmall.so --generate --data text.txt --weights text.txt",
      "run libsmall.so --generate --data text.txt --weights none",
      "run libsmall.so --generate --data text.txt --prompt Ж",
      "run libsmall.so --train --data text.txt --save no/x",
      "run libsmall.so --train --data text.txt --log no/x",
      "run libsmall.so --train --data text.txt --resume text.txt",
      "run libsmall.so --train --data text.txt --no-decay wonder",
      "run libsmall.so --train --data text.txt --accumulate 3 --ranks 2",
      "run libsmall.so --train --data text.txt --tokenizer text.txt",
      "run libsmall.so --train --data text.txt --mlflow nowhere",
      "run libsmall.so --train --data text.txt --tensorboard text.txt/x",
      "inspect none.so --summary", "inspect dir --memory", "inspect text.txt --summary",
      "inspect libsmall.so --layer wonder", "inspect libsmall.so --extract text.txt",
      "bench none.so", "bench libsmall.so --cc nocc", "bench libsmall.so --trace no/x",
      "tokenizer train none.txt", "tokenizer train text.txt --vocabulary 3",
      "tokenizer encode text.txt --tokenizer none.json",
      "tokenizer encode text.txt --tokenizer text.txt",
      "tokenizer shard text.txt --tokenizer none.json -o shards",
      "weights convert none x --names makemoe", "weights convert text.txt x --names makemoe",
      "weights convert text.txt x --names wonder", "weights names wonder",
      "mlflow send none", "mlflow send text.txt",
    ])
  func failure(line: String) throws {
    let result = try run(line)
    #expect(result.status == 1, "\(result.errors)")
    let lines = result.errors.split(separator: "\n")
    let error = try #require(lines.lastIndex { $0.contains("error: ") }, "\(result.errors)")
    #expect(lines[(error + 1)...].contains { $0.hasPrefix("hint: ") }, "\(result.errors)")
  }

  @Test(
    "Wrong usage says how it goes, exit code 64",
    arguments: [
      "", "wonder", "compile", "compile model.swift --emit wonder", "check", "run libsmall.so",
      "run libsmall.so --train --steps x", "run libsmall.so --train --steps 0",
      "run libsmall.so --train --threads 0", "run libsmall.so --train --schedule wonder",
      "run libsmall.so --evaluate --steps 3", "inspect libsmall.so",
      "inspect libsmall.so --graph wonder", "bench libsmall.so --steps 0",
      "weights convert a b --names makemoe --set h", "tokenizer train", "demo --steps 0",
    ])
  func usage(line: String) throws {
    let result = try run(line)
    #expect(result.status == (line.isEmpty ? 0 : 64))
    #expect((result.errors + result.output).contains(/(?i)usage: moec/))
  }

  private func run(_ line: String) throws -> Command {
    let folder = try Self.folder.get()
    let library = try SmallModelFile.compiled() + "/libsmall.so"
    let words = line.split(separator: " ").map { $0 == "libsmall.so" ? library : String($0) }
    return try Moec.run(words, in: folder)
  }
}
