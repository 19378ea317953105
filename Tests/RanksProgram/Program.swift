import Foundation
import Ranks
import Toolchain

/// One rank of those that mpirun starts: random exchanges, or one that gives up in their midst.
@main struct Program {
  static func main() {
    let words = CommandLine.arguments.dropFirst()
    guard words.count == 3, let seed = words.dropFirst().first.flatMap({ UInt64($0) }),
      let steps = words.last.flatMap({ Int($0) })
    else {
      print("usage: mpirun RanksProgram exchange|abort SEED STEPS")
      exit(64)
    }
    do {
      let ranks = try joined()
      let exchanges = RandomExchanges(seed: seed, steps: steps, pause: 50)
      let came = try exchanges.run(ranks)
      if words.first == "abort", ranks.rank == 1 { ranks.abort("enough of this") }
      let all = try ranks.gather([Double(came), 1 / 3 + Double(ranks.rank)])
      if ranks.isFirst { print(report(all)) }
      try ranks.close()
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(1)
    }
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
