import Foundation
import ModelFixtures
import Testing

/// Where training keeps a run by itself, what it says of it, and how it is given again.
@Suite struct RunFolderTests {
  private static let text = String(repeating: "abc bad ace cab fed deaf jig hi\n", count: 60)
  let folder: String

  init() throws {
    folder = try ModelFixture.folder()
    try Self.text.write(toFile: "\(folder)/text", atomically: true, encoding: .utf8)
    try FileManager.default.copyItem(
      atPath: try ModelFixture.bigram(), toPath: "\(folder)/libbigram.so")
  }

  func moec(_ words: String) throws -> Command {
    try Command.shell("unset MOEC_RUNS; exec \"$0\" \(words)", in: folder)
  }

  func train(_ words: String = "") throws -> Command {
    let usual = words.contains("--config") ? "" : "--data text --eval-batches 1 "
    return try moec("run libbigram.so --train \(usual)\(words)")
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(path)").sorted()
  }

  private func fingerprint(_ run: Command) -> Substring? {
    run.errors.split(separator: "\n").first { $0.hasPrefix("parameters after ") }
  }

  private static let all = [
    "curve.svg", "log.jsonl", "settings.json", "weights.best.safetensors", "weights.safetensors",
  ]

  @Test func eachRunHasAFolderOfItsOwn() throws {
    for run in ["bigram", "bigram-2", "bigram-3"] {
      let result = try train("--steps 4")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("saved in runs/\(run)/weights.safetensors"))
      #expect(try names("runs/\(run)") == Self.all)
    }
    #expect(try names("runs") == ["bigram", "bigram-2", "bigram-3"])
  }

  @Test func aRunIsGivenAgainByItsSettings() throws {
    let first = try train("--steps 6 --seed 7 --learning-rate 0.02 --schedule cosine --clip 0.5")
    let again = try train("--config runs/bigram/settings.json --run again")
    #expect(
      fingerprint(first) != nil && fingerprint(first) == fingerprint(again), "\(again.errors)")
    let other = try train("--config runs/bigram/settings.json --seed 8 --run other")
    #expect(fingerprint(other) != nil && fingerprint(first) != fingerprint(other))
    // Its settings serve other modes too, which pass over what is not theirs.
    let text = try moec(
      "run libbigram.so --generate --config runs/bigram/settings.json --tokens 5")
    #expect(text.status == 0, "\(text.errors)")
    let settings = try String(contentsOfFile: "\(folder)/runs/other/settings.json", encoding: .utf8)
    for line in ["\"seed\" : 8", "\"schedule\" : \"cosine\"", "\"clip\" : 0.5", "\"steps\" : 6"] {
      #expect(settings.contains(line), "\(settings)")
    }
  }

  @Test func aResumedRunStaysInItsFolder() throws {
    #expect(try train("--steps 4").status == 0)
    let result = try train("--resume runs/bigram/weights.safetensors --steps 8")
    #expect(result.status == 0, "\(result.errors)")
    #expect(try names("runs") == ["bigram"])
    let whole = try train("--steps 8 --run whole")
    #expect(fingerprint(result) == fingerprint(whole))
  }

  /// The folder is made anew, and the log has the lines from before too.
  @Test func aRunWhoseFolderIsRemovedLosesNothing() throws {
    let result = try Command.shell(
      """
      unset MOEC_RUNS
      "$0" run libbigram.so --train --data text --eval-batches 1 --steps 30000 \
        --eval-interval 3000 | while read -r line
      do case $line in "step 3000:"*) rm -r runs ;; esac; done
      """, in: folder)
    let path = "\(folder)/runs/bigram/log.jsonl"
    let log = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    #expect(log.split(separator: "\n").count == 11, "\(result.errors)\n\(log)")
    #expect(try names("runs/bigram").contains("weights.safetensors"))
    #expect(result.errors.contains("was removed, and is made anew"), "\(result.errors)")
  }

  /// Where nothing could be saved, nothing is left of a run.
  @Test func aRunThatCannotSaveLeavesNothing() throws {
    let result = try Command.shell(
      "unset MOEC_RUNS; ulimit -f 3; exec \"$0\" run libbigram.so --quiet --train --data text --eval-batches 1 --steps 4",
      in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("as step 0 cannot be saved: cannot write"), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs"))
  }

  /// What is refused leaves the settings of the run that is there.
  @Test func aRunThatCannotGoOnChangesNothing() throws {
    #expect(try train("--steps 4").status == 0)
    let before = try String(contentsOfFile: "\(folder)/runs/bigram/settings.json", encoding: .utf8)
    for more in ["--steps 3", "--steps 4", "--steps 9 --record /dev/full/x"] {
      let result = try train("--resume runs/bigram/weights.safetensors \(more)")
      #expect(result.status == 1, "\(more)")
      let after = try String(
        contentsOfFile: "\(folder)/runs/bigram/settings.json", encoding: .utf8)
      #expect(after == before, "\(more)")
    }
    let orphan = try train("--steps 4 --tensorboard text --run orphan")
    #expect(orphan.status == 1)
    #expect(try names("runs") == ["bigram"])
  }

  /// The text is named in the checkpoint, or lies where `moec new` puts one.
  @Test func theTextNeedNotBeNamedAgain() throws {
    #expect(try train("--steps 4").status == 0)
    let resumed = try moec(
      "run libbigram.so --train --resume runs/bigram/weights.safetensors --steps 6")
    #expect(resumed.status == 0, "\(resumed.errors)")
    let none = try moec("run libbigram.so --train --steps 1")
    #expect(none.errors.contains("no text was given"), "\(none.errors)")
    try Self.text.write(toFile: "\(folder)/shakespeare.txt", atomically: true, encoding: .utf8)
    let usual = try moec("run libbigram.so --train --steps 1 --eval-batches 1 --no-save")
    #expect(usual.status == 0, "\(usual.errors)")
    let untrained = try moec("run libbigram.so --generate --tokens 3")
    #expect(untrained.errors.contains("the model is untrained"), "\(untrained.errors)")
  }

  /// All logs of runs have one name; a drawing tells them apart by their folders.
  @Test func runsAreDrawnByTheirNames() throws {
    #expect(try train("--steps 4").status == 0)
    #expect(try train("--steps 4").status == 0)
    let table = try Command.shell("\"$0\" plot runs/*/log.jsonl --table -o r.html", in: folder)
    #expect(table.output.hasPrefix("| step | bigram-2 | bigram |\n"), "\(table)")
    // A drawing of one's own stays.
    try "<svg>mine</svg>".write(toFile: "\(folder)/mine.svg", atomically: true, encoding: .utf8)
    let plot = { (name: String) in
      try Command.shell("\"$0\" plot runs/bigram/log.jsonl -o \(name)", in: folder)
    }
    #expect(try plot("mine.svg").status == 1)
    for _ in 0..<2 { #expect(try plot("drawn.svg").status == 0) }
  }

  @Test func aRunByNameIsNotReplaced() throws {
    #expect(try train("--steps 4 --run first").status == 0)
    let before = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/runs/first/log.jsonl"))
    let second = try train("--steps 6 --run first")
    #expect(second.status == 1)
    #expect(second.errors.contains("hint: go on from there with --resume runs/first/weights"))
    let after = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/runs/first/log.jsonl"))
    #expect(before == after)
    #expect(try train("--steps 6 --run first --overwrite").status == 0)
    #expect(try train("--steps 2 --run deep/er/one").status == 0)
    #expect(try names("deep/er/one") == Self.all)
  }

  @Test func nothingIsKeptWhereNothingIsToBe() throws {
    #expect(try train("--steps 2 --no-save").status == 0)
    #expect(try train("--steps 2 --save w.safetensors").status == 0)
    // A run that does not begin leaves no folder.
    #expect(try moec("run libbigram.so --train --data none").status == 1)
    #expect(
      try names(".") == [
        "libbigram.so", "text", "w.best.safetensors", "w.safetensors",
      ])
    #expect(try train("--steps 2 --log w.jsonl").status == 0)
    #expect(try names(".").contains("w.settings.json"))
    // A log that is no file has nothing beside it.
    #expect(try train("--steps 2 --log /dev/null").status == 0)
    #expect(!FileManager.default.fileExists(atPath: "/dev/null.settings.json"))
  }

  @Test func settingsOfSomebodyElseStay() throws {
    try "mine".write(toFile: "\(folder)/w.settings.json", atomically: true, encoding: .utf8)
    let result = try train("--steps 2 --log w.jsonl")
    #expect(result.status == 1 && result.errors.contains("w.settings.json"), "\(result.errors)")
    let kept = try String(contentsOfFile: "\(folder)/w.settings.json", encoding: .utf8)
    #expect(kept == "mine")
  }

  /// As of `<(jq …)` in a shell, and through a link.
  @Test func settingsMayComeThroughAPipe() throws {
    let result = try Command.shell(
      """
      mkfifo p && ln -s p c.json && (printf '{"steps"'; sleep 0.1; printf ': 3}') > p &
      sleep 0.05; exec "$1" run libbigram.so --train --data text --config c.json --log l.jsonl
      """, [Command.moecPath()], in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let settings = try String(contentsOfFile: "\(folder)/l.settings.json", encoding: .utf8)
    #expect(settings.contains("\"steps\" : 3"), "\(settings)")
  }

  @Test(arguments: [
    (
      "{\"stepz\": 3}", "error: c.json: there is no option \"stepz\"\nhint: did you mean \"steps\"?"
    ),
    ("{\"steps\": \"x\"}", "error: c.json: \"steps\" must be a whole number\n"),
    ("{\"steps\": 2.5}", "\"steps\" must be a whole number"),
    ("{\"schedule\": \"square\"}", "\"schedule\" must be constant, cosine, linear or wsd"),
    ("{\"seed\": -1}", "\"seed\" must be a whole number, not negative"),
    ("{\"steps\": -1}", "--steps must be from 1"), ("[1]", "c.json holds no settings"),
    ("{\"steps\": 3", "c.json holds no settings"), ("", "c.json holds no settings"),
    ("{\"save\": \"w\"}", "\"save\" is not for a file of settings\nhint: type --save "),
    ("{\"run\": \"w\"}", "\"run\" is not for a file of settings"),
    ("{\"steps\": 3, \"steps\": 4}", "error: c.json: \"steps\" is there twice\nhint: "),
    ("{\"steps\": null}", "error: c.json: \"steps\" must be a whole number\n"),
    ("{\"weights\": [1]}", "error: c.json: \"weights\" must be a text\n"),
    ("{\"clip\": 1e400}", "error: c.json: --clip must be above 0, or 0 for none, not inf\nhint: "),
    ("{\"steps\": 0}", "error: c.json: --steps must be from 1 to 1,000,000,000, not 0\nhint: "),
    // Of another mode, and wrong all the same.
    ("{\"temperature\": \"hot\"}", "error: c.json: \"temperature\" must be a number\n"),
    ("{\"steps\": 3,\n}", "error: c.json:2 holds no settings: "),
    ("{\n\"steps\": 3\n]", "error: c.json:3 holds no settings: '}' is expected"),
  ])
  func wrongSettingsAreSaid(_ config: String, _ message: String) throws {
    try config.write(toFile: "\(folder)/c.json", atomically: true, encoding: .utf8)
    let result = try moec("run libbigram.so --train --data text --config c.json")
    #expect(result.status == 1)
    #expect(result.errors.contains(message), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/runs"))
  }

  @Test(arguments: [
    "\u{feff}{\"steps\": 2}", "{\r\n\"steps\": 2.0\r\n}\r\n",
    "{\"steps\": 2, \"seed\": 18446744073709551615}", "{\"steps\": 2, \"temperature\": 0.5}",
  ])
  func settingsMayBeWrittenSo(_ config: String) throws {
    try config.write(toFile: "\(folder)/c.json", atomically: true, encoding: .utf8)
    let result = try moec("run libbigram.so --train --data text --eval-batches 1 --config c.json")
    #expect(result.errors.contains("trained 2 steps"), "\(result.errors)")
  }

  /// What was typed leaves no meaning to what the file says of the same thing.
  @Test func whatIsTypedWins() throws {
    #expect(try train("--steps 2").status == 0)
    let first = "runs/bigram/weights.safetensors"
    #expect(
      try train("--steps 3 --weights \(first) --schedule cosine --final-learning-rate 0.01 --run b")
        .status == 0)
    let settings = "--config runs/b/settings.json"
    let resumed = try train("\(settings) --resume runs/b/weights.safetensors --steps 5")
    #expect(resumed.errors.contains("trained 5 steps"), "\(resumed.errors)")
    let constant = try train("\(settings) --schedule constant --no-save")
    #expect(constant.status == 0, "\(constant.errors)")
  }

  @Test(arguments: [".", "..", "a/..", "a/.", "/", "a/"])
  func aRunHasAFolderOfItsOwnName(_ name: String) throws {
    let result = try train("--steps 2 --run \(name)")
    #expect(result.status == 64)
    #expect(result.errors.contains("--run must name a folder, such as first"))
    #expect(try names(".") == ["libbigram.so", "text"])
  }

  @Test func anUntrainedModelSaysSo() throws {
    let first = try moec("run libbigram.so --generate --data text --tokens 5")
    #expect(first.errors.contains("note: the model is untrained"), "\(first.errors)")
    #expect(try train("--steps 2").status == 0)
    let second = try moec("run libbigram.so --generate --data text --tokens 5")
    #expect(second.errors.contains("--weights runs/bigram/weights.safetensors"))
    for mode in ["--evaluate --eval-batches 1", "--route 'abc abc'"] {
      let result = try moec("run libbigram.so \(mode) --data text")
      #expect(result.errors.contains("note: the model is untrained"), "\(result.errors)")
    }
    let third = try moec(
      "run libbigram.so --generate --tokens 5 --weights runs/bigram/weights.safetensors")
    #expect(!third.errors.contains("untrained"))
  }
}
