import Foundation
import ModelRuntime
import Ranks
import Toolchain

/// One rank of those that mpirun starts: random exchanges, one that gives up in their midst, or random routings.
@main struct Program {
  static func main() {
    let words = Array(CommandLine.arguments.dropFirst())
    guard (3...4).contains(words.count), let seed = UInt64(words[1]), let steps = Int(words[2])
    else {
      print("usage: mpirun RanksProgram exchange|abort SEED STEPS, or routings SEED UPDATES LIB.so")
      exit(64)
    }
    do {
      if words.count == 4 {
        try route(RandomRoutings(seed: seed, updates: steps), ModelLibrary(path: words[3]))
      } else {
        try exchange(RandomExchanges(seed: seed, steps: steps, pause: 50), words[0] == "abort")
      }
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(1)
    }
  }

  private static func exchange(_ exchanges: RandomExchanges, _ givesUp: Bool) throws {
    let ranks = try joined()
    let came = try exchanges.run(ranks)
    if givesUp, ranks.rank == 1 { ranks.abort("enough of this") }
    let all = try ranks.gather([Double(came), 1 / 3 + Double(ranks.rank)])
    if ranks.isFirst { print(report(all)) }
    try ranks.close()
  }

  private static func route(_ routings: RandomRoutings, _ library: ModelLibrary) throws {
    let ranks = try joined()
    let outcome = try routings.run(ranks, library)
    if ranks.isFirst { print(outcome.print) }
    try ranks.close()
  }

  private static func joined() throws -> Ranks {
    let launcher = Launcher.here()
    let compiler = try MPICompiler.find(family: launcher?.family, beside: Launcher.folder)
    return try compiler.withLibrary(of: Ranks.mpiSources) {
      try Ranks.mpi(library: $0, launcher: launcher)
    }
  }

  private static func report(_ all: [[Double]]) -> String {
    let isInOrder = all.indices.allSatisfy { all[$0][1] == 1 / 3 + Double($0) }
    let words = all.map { Int($0[0]) }
    return "\(all.count) ranks, \(isInOrder ? "in order" : "mixed up"), words \(words)"
  }
}
