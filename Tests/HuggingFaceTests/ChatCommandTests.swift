import CompiledModels
import Exchange
import Foundation
import ModelFixtures
import ModelRuntime
import Testing
import Tokenizer

/// `moec chat` with the small Llama, a tokenizer of characters and a template.
@Suite(.serialized) struct ChatCommandTests {
  private struct Imported {
    var folder: String
    var library: String
  }

  private static let tokenizer = """
    {"version": "1.0", "added_tokens": [{"id": 0, "content": "<e>", "special": true}, {"id": 1, "content": "<u>",
    "special": true}], "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
    "model": {"type": "BPE", "vocab": {"<e>": 0, "<u>": 1, "a": 2, "b": 3, "c": 4, "d": 5, "e": 6, "f": 7, "g": 8,
    "h": 9, "i": 10, "j": 11, "k": 12, "l": 13, "m": 14, "n": 15, "o": 16, "p": 17, "q": 18}, "merges": []}}
    """

  private static let template =
    "{% for m in messages %}{% if m.content == 'bad' %}{{ raise_exception('not bad') }}{% endif %}"
    + "{{ m.role == 'user' and '<u>' or '' }}{{ m.content }}{% endfor %}"

  private static let imported = Result {
    let source = try Folder.copy("llama")
    let files = [
      "tokenizer.json": tokenizer,
      "tokenizer_config.json": #"{"eos_token": "<e>", "chat_template": "\#(template)"}"#,
    ]
    for (name, text) in files {
      try text.write(toFile: "\(source)/\(name)", atomically: true, encoding: .utf8)
    }
    let folder = try ModelFixture.folder() + "/small"
    let command = try Moec.run(["import", source, "-o", folder, "--context", "32"])
    #expect(command.status == 0, "\(command.errors)")
    let library = try Moec.compile(folder + "/model.swift", isQuick: true, infers: true).library
    return Imported(folder: folder, library: library)
  }

  private func chat(_ lines: String, _ options: [String] = []) throws -> Command {
    let imported = try Self.imported.get()
    return try Command.shell(
      #"printf "$1" | { shift; "$0" chat "$@"; }"#,
      [
        lines, imported.library, "--weights", imported.folder + "/weights.safetensors",
        "--temperature", "0",
      ] + options)
  }

  /// What the model says, token by token, until a special one, or as many as may be.
  private func answer(_ prompt: [Int32], _ most: Int) throws -> [Int32] {
    let imported = try Self.imported.get()
    let model = try Model(try ModelLibrary(path: imported.library))
    let weights = imported.folder + "/weights.safetensors"
    try Checkpoint(path: weights, contents: .weights, manifest: model.manifest).restore(into: model)
    var tokens = prompt
    while tokens.count - prompt.count < most {
      let logits = try model.next(tokens: tokens, seed: 1)
      let next = Int32(logits.indices.max { logits[$0] < logits[$1] } ?? 0)
      if next < 2 { break }
      tokens.append(next)
    }
    return Array(tokens.dropFirst(prompt.count))
  }

  @Test func answersAreTheModelsByTheTemplate() throws {
    let coder = try BytePairTokenizer(json: Array(Self.tokenizer.utf8), path: "t")
    let first = try answer(coder.encode("<u>abc"), 4)
    let second = try answer(coder.encode("<u>abc") + first + coder.encode("<u>hi"), 4)
    let found = try chat("abc\\nhi\\n", ["--tokens", "4"])
    #expect(found.status == 0, "\(found.errors)")
    #expect(found.output == "\(coder.decode(first))\n\(coder.decode(second))\n")
    let told = try chat("hi\\n", ["--tokens", "4", "--system", "q"])
    let expected = try answer(coder.encode("q<u>hi"), 4)
    #expect(told.output == coder.decode(expected) + "\n", "\(told.errors)")
  }

  @Test func oldMessagesMakeRoom() throws {
    let found = try chat("abcdefgh\\nabcdefgh\\nabcdefgh\\n", ["--tokens", "6"])
    #expect(found.status == 0)
    #expect(found.errors.contains("note: the context is full: 2 older messages are left out"))
    let long = try chat("abcdefghijklmnopabcdefghijklmnop\\n")
    #expect(long.status == 1)
    #expect(long.errors.contains("error: the prompt has 33 tokens, and the model sees 32 at once"))
  }

  @Test func whatIsRefusedIsSaid() throws {
    let bad = try chat("bad\\n")
    #expect(bad.status == 1)
    #expect(bad.errors.contains("error: the chat template refuses this: not bad"), "\(bad.errors)")
    let none = try chat("a\\n", ["--template", "/nowhere"])
    #expect(none.status == 1 && none.errors.contains("cannot read /nowhere"), "\(none.errors)")
  }

  @Test func aLibraryThatInfersTrainsNothing() throws {
    let imported = try Self.imported.get()
    let run = try Moec.run([
      "run", imported.library, "--evaluate", "--weights", imported.folder + "/weights.safetensors",
    ])
    #expect(run.status == 1)
    #expect(run.errors.contains("was compiled with --inference: it has no loss"), "\(run.errors)")
    for (way, note) in [
      ("stop", "the text ends"), ("half", "the newer half is read again"), ("window", ""),
    ] {
      let text = try Moec.run([
        "run", imported.library, "--generate", "--weights",
        imported.folder + "/weights.safetensors", "--prompt", "abc", "--tokens", "40",
        "--when-full", way,
      ])
      #expect(text.status == 0 && (note.isEmpty || text.errors.contains(note)), "\(text.errors)")
      #expect(way == "stop" || !text.errors.contains("the text ends"))
    }
  }
}
