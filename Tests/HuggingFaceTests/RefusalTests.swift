import Exchange
import Foundation
import HuggingFace
import ModelFixtures
import Testing

/// What does not become a model, and why.
@Suite struct RefusalTests {
  /// A folder's config.json with some text replaced, as read.
  private func config(_ name: String, _ old: String, _ new: String) throws -> DecoderModel {
    let folder = try Folder.copy(name)
    try change(folder + "/config.json", old, new)
    return try DecoderModel(config: folder + "/config.json")
  }

  private func change(_ path: String, _ old: String, _ new: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try #require(text.contains(old), "\(text)")
    try text.replacing(old, with: new).write(toFile: path, atomically: true, encoding: .utf8)
  }

  private func message(_ work: () throws -> Void) -> String {
    do {
      try work()
      return "nothing is wrong"
    } catch let error as FolderError {
      return error.message
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "What changes numbers and is not done is refused by its key",
    arguments: [
      ("llama", "{", "{\"mystery\": 1,", "what mystery means is not known"),
      ("llama", "\"silu\"", "\"gelu\"", "hidden_act is \"gelu\""),
      ("llama", "\"rope_type\": \"default\"", "\"rope_type\": \"dynamic\"", "type dynamic"),
      ("llama", "\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"", "rope_parameters.factor"),
      ("llama-3", "\"factor\": 8.0", "\"factor\": 8.0, \"mood\": 1", "rope_parameters.mood"),
      ("llama", "\"model_type\": \"llama\"", "\"model_type\": \"mamba\"", "mamba"),
      ("llama", "{", "{\"quantization_config\": {\"bits\": 4},", "quantization_config"),
      ("llama", "{", "{\"vocab_size\": -3, \"x\": 0,", "x means"),
      ("gpt2", "{", "{\"scale_attn_by_inverse_layer_idx\": true, \"y\": 0,", "y means"),
      ("mixtral", "{", "{\"router_jitter_noise\": 0.5, \"z\": 0,", "z means"),
    ])
  func keysAreRefused(_ name: String, _ old: String, _ new: String, _ expected: String) throws {
    let found = message { _ = try config(name, old, new) }
    #expect(found.contains(expected), "\(found)")
  }

  @Test func whatIsNoConfigIsRefused() throws {
    let folder = try Folder.copy("llama")
    let path = folder + "/config.json"
    try "[1]".write(toFile: path, atomically: true, encoding: .utf8)
    #expect(message { _ = try DecoderModel(config: path) }.contains("an object is expected"))
    try FileManager.default.removeItem(atPath: path)
    #expect(message { _ = try FolderImport(folder: folder) }.contains("has no config.json"))
  }

  @Test func tensorsThatDoNotFitAreNamed() throws {
    let folder = try Folder.copy("llama")
    try change(folder + "/config.json", "\"vocab_size\": 19", "\"vocab_size\": 20")
    let shape = message { _ = try FolderImport(folder: folder) }
    #expect(
      shape.contains("model.embed_tokens.weight is [19, 16], and config.json makes it [20, 16]"))
    let other = try Folder.copy("llama")
    try change(other + "/config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1")
    let left = message { _ = try FolderImport(folder: other) }
    #expect(left.contains("nothing is known of model.layers.1."), "\(left)")
    let more = try Folder.copy("llama")
    try change(more + "/config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3")
    let missing = message { _ = try FolderImport(folder: more) }
    #expect(missing.contains("missing: model.layers.2."), "\(missing)")
  }

  @Test func aHeadOfItsOwnIsNotTied() throws {
    let folder = try Folder.copy("llama")
    try change(
      folder + "/config.json", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true")
    let found = message { _ = try FolderImport(folder: folder) }
    #expect(found.contains("lm_head.weight is not the token table"), "\(found)")
  }

  @Test func anIndexLeadsNowhereElse() throws {
    let folder = try Folder.copy("llama-sharded")
    let index = folder + "/model.safetensors.index.json"
    let first = "model-00001-of"
    try change(index, first, "../" + first)
    let found = message { _ = try FolderImport(folder: folder) }
    #expect(found.contains("names what is no file beside it"), "\(found)")
    try FileManager.default.removeItem(atPath: index)
    let none = message { _ = try FolderImport(folder: folder) }
    #expect(none.contains("has no model.safetensors"), "\(none)")
  }
}
