import Foundation
import ModelFixtures
import Testing

/// `moec plot FOLDER`: the runs in a folder, some of which have just begun.
@Suite struct PlottedFoldersTests {
  private func folder() throws -> String {
    let folder = try ModelFixture.folder()
    for (name, log) in [("old", Logs.plain([3, 2.5])), ("dead", ""), ("new", #"{"step":0,"tr"#)] {
      let run = "\(folder)/runs/\(name)"
      try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
      try Data(log.utf8).write(to: URL(fileURLWithPath: run + "/log.jsonl"))
    }
    return folder
  }

  @Test func runsWithoutALossAreLeftOut() throws {
    let folder = try folder()
    let all = try Command.moec(["plot", "runs", "-o", "runs.svg", "--table"], in: folder)
    #expect(all.status == 0 && all.output.contains("| step | old |"), "\(all)")
    for name in ["dead", "new"] {
      let note = "note: runs/\(name)/log.jsonl holds no losses, and is left out\n"
      #expect(all.errors.contains(note), "\(all.errors)")
    }
    let one = try Command.moec(["plot", "runs/dead", "-o", "dead.svg"], in: folder)
    #expect(one.status == 1 && one.errors.contains("error: runs/dead/log.jsonl holds no losses"))
  }

  @Test func theyAreNotWaitedFor() throws {
    let watched = try Command.shell(
      """
      "$0" plot runs --watch -o runs.html 2> errors & watch=$!
      for _ in $(seq 200); do [ -e runs.html ] && break; sleep 0.05; done
      kill -INT $watch; wait $watch; [ -e runs.html ]
      """, in: folder())
    #expect(watched.status == 0, "\(watched)")
  }
}
