import JSON
import SystemFiles

/// Reads config.json key by key, and knows at the end which keys nobody asked for.
struct ConfigReader {
  let path: String
  private let config: JSON
  private var asked: Set<String> = []
  private(set) var problems: [String] = []

  /// Errors: unreadable, no JSON, no object.
  init(path: String) throws(FolderError) {
    self.path = path
    config = try ConfigReader.object(path)
  }

  /// The object that a JSON file is. Errors: unreadable, another thing.
  static func object(_ path: String) throws(FolderError) -> JSON {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try WholeFile.bytes(of: path)
    } catch {
      throw .unreadable(error)
    }
    do throws(JSON.Failure) {
      if let offset = MarkRuns.excessive(in: bytes) {
        throw JSON.Failure(offset: offset, reason: "a character has too many marks")
      }
      let value = try JSON.parse(bytes)
      guard value.members != nil else {
        throw JSON.Failure(offset: 0, reason: "an object is expected")
      }
      return value
    } catch {
      throw .malformed(path: path, reason: "\(error.reason) at byte \(error.offset)")
    }
  }

  // MARK: - Values

  /// A member of whatever kind; nil for none and for null.
  mutating func value(_ key: String) -> JSON? {
    asked.insert(key)
    return config[key]
  }

  /// A count from 1 on.
  mutating func count(_ key: String, usual: Int? = nil) -> Int {
    guard let value = value(key) else {
      if let usual { return usual }
      problems.append("\(key) is missing")
      return 1
    }
    guard let count = value.whole, (1...Self.largest).contains(count) else {
      refuse(key, value, "it must be a count from 1 on")
      return 1
    }
    return count
  }

  /// A count, or nil for none, null and 0.
  mutating func optionalCount(_ key: String) -> Int? {
    guard let value = value(key), value.whole != 0 else { return nil }
    return count(key)
  }

  private static let largest = 1 << 30

  /// A finite number.
  mutating func number(_ key: String, usual: Double) -> Double {
    guard let value = value(key) else { return usual }
    guard let number = Self.number(value) else {
      refuse(key, value, "it must be a number")
      return usual
    }
    return number
  }

  static func number(_ value: JSON?) -> Double? {
    guard case .number(let digits)? = value,
      let number = Double(String(decoding: digits, as: UTF8.self)), number.isFinite
    else { return nil }
    return number
  }

  /// A number above 0.
  mutating func positive(_ key: String, usual: Double) -> Double {
    let number = number(key, usual: usual)
    if number > 0 { return number }
    refuse(key, .numeral("\(number)"), "it must be above 0")
    return usual
  }

  /// A rate of dropout.
  mutating func rate(_ key: String, usual: Double = 0) -> Double {
    let number = number(key, usual: usual)
    if (0..<1).contains(number) { return number }
    refuse(key, .numeral("\(number)"), "it must be from 0 to below 1")
    return usual
  }

  mutating func flag(_ key: String, usual: Bool) -> Bool {
    guard let value = value(key) else { return usual }
    guard let flag = value.bool else {
      refuse(key, value, "it must be true or false")
      return usual
    }
    return flag
  }

  /// A text, one of some.
  mutating func text(_ key: String, usual: String, from known: [String]) -> String {
    guard let value = value(key) else { return usual }
    guard let text = value.name, known.contains(text) else {
      refuse(key, value, "moec does \(known.joined(separator: ", "))")
      return usual
    }
    return text
  }

  /// Refuses a key that is true.
  mutating func mustBeOff(_ keys: String...) {
    for key in keys where flag(key, usual: false) {
      refuse(key, .bool(true), "moec has none of it")
    }
  }

  /// Refuses a key that is not 0, null or empty.
  mutating func mustBeNothing(_ keys: String...) {
    for key in keys {
      guard let value = value(key), Self.number(value) != 0, value.bool != false,
        value.elements?.isEmpty != true, value.members?.isEmpty != true
      else { continue }
      refuse(key, value, "moec has none of it")
    }
  }

  // MARK: - What is wrong

  /// Adds a problem with a key's value.
  mutating func refuse(_ key: String, _ value: JSON, _ reason: String) {
    let text = value.line
    problems.append("\(key) is \(text.count > 60 ? value.kind : text): \(reason)")
  }

  /// Adds a problem of several keys.
  mutating func refuse(_ reason: String) { problems.append(reason) }

  /// Errors: everything that was wrong, and the keys that nobody asked for.
  mutating func finish() throws(FolderError) {
    let others = (config.members ?? []).map(\.name).filter {
      !asked.contains($0) && !Self.harmless.contains($0) && !$0.hasPrefix("_")
    }
    if !others.isEmpty {
      problems.append("what \(others.sorted().joined(separator: ", ")) means is not known")
    }
    if !problems.isEmpty { throw .unsupported(path: path, problems) }
  }

  /// Keys of every model that change no number that it gives; those that begin with `_` are programs' own.
  private static let harmless: Set<String> = [
    "architectures", "auto_map", "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id",
    "sep_token_id", "decoder_start_token_id", "torch_dtype", "dtype", "transformers_version",
    "transformers.js_config", "use_cache", "cache_implementation", "return_dict",
    "return_dict_in_generate", "output_hidden_states", "output_attentions", "output_scores",
    "torchscript", "use_bfloat16", "tf_legacy_loss", "chunk_size_feed_forward",
    "cross_attention_hidden_size", "tie_encoder_decoder", "finetuning_task", "id2label",
    "label2id", "tokenizer_class", "prefix", "task_specific_params", "problem_type",
    "attn_implementation", "experts_implementation", "unsloth_version", "unsloth_fixed",
    "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups",
    "diversity_penalty", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty",
    "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids",
    "num_return_sequences", "forced_bos_token_id", "forced_eos_token_id",
    "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens",
    "begin_suppress_tokens", "is_decoder", "is_llama_config", "pretraining_tp",
  ]
}
