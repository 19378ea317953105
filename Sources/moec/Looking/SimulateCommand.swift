import ArgumentParser
import Simulation

/// `moec simulate LIB.so`.
struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Says what an update would take on many machines, by SimGrid.",
    discussion: """
      Every rank is a machine of its own that computes as fast as this one does with --threads, which \
      is measured first, or as --gflops says. Between that it exchanges just what the ranks of this \
      library do; tokens are taken to choose all experts equally often. Efficiency is the time of the \
      same update on one rank, over the time of all ranks together.

      EXAMPLES
        moec simulate libmakemoe.so --ranks 1,2,4,8,16
        moec simulate libmakemoe.so --ranks 64 --network 10Gbit --latency 20us
        moec simulate libmakemoe.so --ranks 64 --accumulate 256 --gflops 500
        moec simulate libmakemoe.so --ranks 4 --platform cluster.xml --json
      """)

  @Argument(help: "The library that 'moec compile' made.", completion: .library)
  var library: String

  @Option(help: ArgumentHelp("How many ranks, or several numbers.", valueName: "r,…"))
  var ranks: String

  @Option(
    help: ArgumentHelp(
      "Batches of an update, of all ranks together. (default: one for each rank)",
      valueName: "n"))
  var accumulate: Int?

  @Option(
    help: ArgumentHelp("What each machine sends and receives at once.", valueName: "rate"))
  var network = "100Gbit"

  @Option(help: ArgumentHelp("From a machine to another.", valueName: "time"))
  var latency = "2us"

  @Option(
    help: ArgumentHelp(
      "A platform of SimGrid's, in place of --network and --latency.", valueName: "file"),
    completion: .file(extensions: ["xml"]))
  var platform: String?

  @Option(
    help: ArgumentHelp(
      "What a rank computes in 10^9 operations a second, instead of measuring it.",
      valueName: "rate"))
  var gflops: Double?

  @Option(
    help: ArgumentHelp(
      "With --gflops: what a rank reads and writes in 10^9 bytes a second.", valueName: "rate"))
  var memory = 20.0

  @Option(help: "Threads of a rank, to measure it. (default: as many as may run at once)")
  var threads: Int?

  @Flag(help: "Print everything as JSON.")
  var json = false

  func validate() throws {
    let counts = self.counts
    guard !counts.isEmpty, counts.allSatisfy({ $0.map { (1...1024).contains($0) } ?? false }) else {
      throw ValidationError("--ranks must be numbers from 1 to 1024, such as 1,2,4, not \(ranks)")
    }
    if let count = counts.compactMap(\.self).first(where: {
      $0 > Timeline.mostPartners && $0 & ($0 - 1) != 0
    }) {
      throw ValidationError(
        "more than \(Timeline.mostPartners) ranks must be a power of two, not \(count)")
    }
    if let accumulate, !(1...1_048_576).contains(accumulate) {
      throw ValidationError("--accumulate must be from 1 to 1048576, not \(accumulate)")
    }
    for (name, value) in [("--gflops", gflops), ("--memory", memory)] {
      guard let value, !(value > 0 && value.isFinite) else { continue }
      throw ValidationError("\(name) must be above 0, not \(value)")
    }
    if let threads, !(1...1024).contains(threads) {
      throw ValidationError("--threads must be from 1 to 1024, not \(threads)")
    }
    guard Network.bits(network) != nil else {
      throw ValidationError("--network must be a rate such as 10Gbit, not \(network)")
    }
    guard Network.seconds(latency) != nil else {
      throw ValidationError("--latency must be a time such as 20us, not \(latency)")
    }
  }

  var counts: [Int?] {
    ranks.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
  }

  func run() throws { try reportingErrors { try simulate() } }
}
