import JSON

extension BytePairTokenizer {
  /// The tokenizer as a `tokenizer.json`, merges as pairs; parts that are read but not used
  /// (post-processor, truncation, padding) are written as they were.
  ///
  /// What `tokenizers` saves of the same tokenizer, pretty, has the same bytes.
  public var json: [UInt8] {
    let model: JSON = .members([
      "type": .text("BPE"), "dropout": file["model"]?["dropout"] ?? .null,
      "unk_token": self.model.options.unknown.map { .string($0) } ?? .null,
      "continuing_subword_prefix": file["model"]?["continuing_subword_prefix"] ?? .null,
      "end_of_word_suffix": file["model"]?["end_of_word_suffix"] ?? .null,
      "fuse_unk": .bool(self.model.options.fusesUnknown),
      "byte_fallback": .bool(self.model.options.fallsBackToBytes),
      "ignore_merges": .bool(self.model.options.ignoresMerges),
      "vocab": vocabularyJSON, "merges": .array(mergesJSON),
    ])
    let file: JSON = .members([
      "version": file["version"] ?? .text("1.0"), "truncation": file["truncation"] ?? .null,
      "padding": file["padding"] ?? .null, "added_tokens": .array(addedTokens.map(\.json)),
      "normalizer": file["normalizer"] ?? .null,
      "pre_tokenizer": file["pre_tokenizer"] ?? .null,
      "post_processor": file["post_processor"] ?? .null,
      "decoder": file["decoder"] ?? .null, "model": model,
    ])
    return file.indented
  }

  /// A number that differs, but for chance, between tokenizers that differ: FNV-1a of `json`.
  public var fingerprint: UInt64 {
    json.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
  }

  private var vocabularyJSON: JSON {
    .object(
      model.contents.enumerated().compactMap { id, content in
        content.map { JSON.Member(key: $0, value: .count(id)) }
      })
  }

  /// Of two merges with the same pair only the one that holds is written.
  private var mergesJSON: [JSON] {
    model.merges.enumerated().compactMap { rank, merge in
      guard model.ranks[PairTable.key(merge.first, merge.second)] == Int32(rank),
        let first = model.contents[Int(merge.first)],
        let second = model.contents[Int(merge.second)]
      else { return nil }
      return .array([.string(first), .string(second)])
    }
  }
}

extension AddedToken {
  fileprivate var json: JSON {
    .members([
      "id": .count(Int(id)), "content": .string(content), "single_word": .bool(isSingleWord),
      "lstrip": .bool(stripsLeft), "rstrip": .bool(stripsRight),
      "normalized": .bool(isNormalized), "special": .bool(isSpecial),
    ])
  }
}
