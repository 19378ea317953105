import Foundation
import Ranks

/// Random exchanges between the threads of this process: COUNT SEED STEPS.
@main struct Program {
  static func main() throws {
    let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    guard numbers.count == 3 else {
      print("usage: RanksProgram COUNT SEED STEPS")
      exit(64)
    }
    let exchanges = RandomExchanges(
      seed: UInt64(numbers[1]), steps: numbers[2], pause: 50)
    let words = try Ranks.threads(numbers[0]) { try exchanges.run($0) }
    print("\(words.reduce(0, +)) words")
  }
}
