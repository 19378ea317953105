import Foundation
import ModelFixtures
import Testing

/// What the pages say of files is what short runs write, all of it and nothing else.
@Suite struct FilePagesTests {
  /// Examples/tiny.swift in a folder, with characters and with a tokenizer, each trained for ten steps.
  static let folder = Result {
    let clone = try ScratchClone()
    let run = try clone.type(
      """
      train() {
        moec run "$@" --train --steps 10 --eval-interval 5 --eval-batches 1 --clip 1
      }
      moec compile Examples/tiny.swift -o libtiny.so
      train libtiny.so --log a.jsonl --save a.safetensors --ema 0.9 --record a.routes --tensorboard board
      head -c 60000 Data/shakespeare.txt > part.txt
      moec tokenizer train part.txt --vocabulary 320 -o tokenizer.json
      moec tokenizer shard part.txt -o shards --shard-tokens 30000
      sed 's/Axis("V", 65)/Axis("V", 320)/' Examples/tiny.swift > words.swift
      moec compile words.swift -o libwords.so
      train libwords.so --data shards --log b.jsonl --save b.safetensors
      sed -e 's/let routing =/auxiliary("size", weight: 0.01, (n * n).mean()); let routing =/' \
        -e 's/Axis("E", 3)/Axis("E", Setting("experts", 3))/' Examples/tiny.swift > terms.swift
      moec compile terms.swift -o libterms.so
      train libterms.so --log c.jsonl --save c.safetensors
      moec compile Examples/tiny.swift --lora 2 -o liblora.so
      train liblora.so --log d.jsonl --save d.safetensors
      """)
    try #require(run.status == 0, "\(run.output)")
    return clone.folder
  }

  private static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(try folder.get())/\(name)")))
  }

  private static func number(_ bytes: [UInt8], _ place: Int, _ width: Int) -> Int {
    (0..<width).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  private static func object(_ bytes: some Sequence<UInt8>) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
  }

  @Test func logFields() throws {
    var fields: Set<String> = []
    for name in ["a.jsonl", "b.jsonl", "c.jsonl"] {
      for line in try Self.bytes(name).split(separator: 10) {
        fields.formUnion(try Self.object(line).keys)
      }
    }
    #expect(try DocumentationPage("log").names(under: "Fields") == fields)
  }

  private static func header(_ name: String) throws -> [String: Any] {
    let file = try bytes(name)
    return try object(file[8..<8 + number(file, 0, 8)])
  }

  @Test func checkpointMetadata() throws {
    let page = try DocumentationPage("checkpoint")
    var (keys, run): (Set<String>, Set<String>) = ([], [])
    for name in [
      "a.safetensors", "a.best.safetensors", "b.safetensors", "c.safetensors", "d.safetensors",
    ] {
      let notes = try #require(try Self.header(name)["__metadata__"] as? [String: String])
      keys.formUnion(notes.keys)
      run.formUnion(try Self.object(try #require(notes["run"]).utf8).keys)
    }
    #expect(try page.names(under: "Metadata") == keys)
    #expect(try page.names(under: "Run") == run)
  }

  @Test func checkpointTensors() throws {
    let names = Set(try Self.header("a.safetensors").keys).subtracting(["__metadata__"])
    let prefixes = ["adam_m.", "adam_v.", "adam_t.", "ema."]
    let parameters = names.filter { name in !prefixes.contains { name.hasPrefix($0) } }
    let forms = try DocumentationPage("checkpoint").names(under: "Tensors")
    #expect(forms.contains("NAME") && parameters.contains("block.0.mixture.up.weight"))
    let expected = parameters.flatMap { name in
      forms.map { $0.replacing("NAME", with: name) }
    }
    #expect(names == Set(expected))
  }

  /// The numbers of a shard stand where the page says.
  @Test func shardHeader() throws {
    let page = try DocumentationPage("shards").text
    var places: [String: (at: Int, width: Int)] = [:]
    for row in page.matches(of: /\| ([0-9]+) \| ([0-9]+) \| ([^|]+) \|/) {
      places[String(row.output.3)] = (
        try #require(Int(row.output.1)), try #require(Int(row.output.2))
      )
    }
    #expect(places.values.map(\.width).reduce(0, +) == 64)
    let shards = [try Self.bytes("shards/000000.tokens"), try Self.bytes("shards/000001.tokens")]
    func number(_ what: String, _ shard: Int) throws -> Int {
      let place = try #require(places.first { $0.key.hasPrefix(what) }?.value, "\(what)")
      return Self.number(shards[shard], place.at, place.width)
    }
    #expect(shards[0].starts(with: Array("MOECTOKS".utf8)))
    #expect(try number("version", 0) == 1 && number("bytes of each token", 0) == 2)
    #expect(try number("tokens in this shard", 0) == 30_000)
    #expect(try number("tokens in the shards before", 1) == 30_000)
    #expect(shards[1].count == 64 + 2 * (try number("tokens in this shard", 1)))
    let characters = try number("characters", 0) + number("characters", 1)
    let text = try Self.bytes("part.txt")
    #expect(characters == text.count)
    #expect(try number("this shard's place", 1) == 1)
    #expect(try number("1 in the last shard", 0) == 0 && number("1 in the last shard", 1) == 1)
  }

  @Test func routeFile() throws {
    let file = try Self.bytes("a.routes")
    let page = try DocumentationPage("routes")
    let size = Self.number(file, 8, 8)
    let header = try Self.object(file[16..<16 + size])
    #expect(try page.names(under: "Header").isSuperset(of: header.keys))
    #expect(
      try page.names(under: "Header").subtracting(header.keys).isEmpty)
    for mark in ["moecrts1", "moecend1"] { #expect(page.text.contains("`\(mark)`")) }
    #expect(file.starts(with: Array("moecrts1".utf8)))
    #expect(Array(file[(file.count - 16)..<(file.count - 8)]) == Array("moecend1".utf8))
    let records = Self.number(file, file.count - 8, 8)
    // Two routers of 3 experts, 2 bits each, for 96 tokens with two choices.
    #expect(records == 10 && file.count == 16 + size + records * (2 * 96 * 2 * 2 / 8 + 8) + 16)
  }
}
