import ArgumentParser
import HuggingFace
import Upcycling
import Words

/// What is drawn where a dense model becomes a mixture.
struct DrawingOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "The seed of router and noise: the same bits on any machine. (default: 1337)", valueName: "n")
  )
  var seed: UInt64?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Deviation of the router's weights. (default: 0.02)", valueName: "x"))
  var routerDeviation: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Noise on each expert's matrices, as a share of their root mean square. (default: 0)",
      valueName: "x"))
  var noise: Double?

  func validate() throws {
    for (name, value) in [("--router-deviation", routerDeviation), ("--noise", noise)] {
      guard let value, !(0...1000).contains(value) else { continue }
      throw ValidationError("\(name) must be from 0 to 1,000, not \(value)")
    }
  }

  /// Names of those that were given.
  var given: [String] {
    [
      seed.map { _ in "--seed" }, routerDeviation.map { _ in "--router-deviation" },
      noise.map { _ in "--noise" },
    ].compactMap { $0 }
  }

  func options(granularity: Int? = nil) -> Upcycling.Options {
    var options = Upcycling.Options(granularity: granularity)
    options.seed = seed ?? options.seed
    options.routerDeviation = routerDeviation ?? options.routerDeviation
    options.noise = noise ?? options.noise
    return options
  }
}

/// The mixture that a dense folder is to become.
struct MixtureOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Make a mixture of a dense model: so many experts in place of an MLP.", valueName: "n"))
  var experts: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Experts that see a token. (default: 2)", valueName: "n"))
  var chosen: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Every n-th layer gets experts. (default: 1)", valueName: "n"))
  var every: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Slices that the MLP is cut into, each an expert. (default: 1)", valueName: "n"))
  var granularity: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Slices that are an expert of all tokens. (default: 0)", valueName: "n"))
  var shared: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Weight of each layer's balance loss; 0 for none. (default: 0.01)", valueName: "x"))
  var balance: Double?

  @OptionGroup
  var drawing: DrawingOptions

  func validate() throws {
    let counts = [
      ("--experts", experts, 1), ("--chosen", chosen, 1), ("--every", every, 1),
      ("--granularity", granularity, 1), ("--shared", shared, 0),
    ]
    for (name, count, least) in counts {
      guard let count, !(least...4096).contains(count) else { continue }
      throw ValidationError("\(name) must be from \(least) to 4,096, not \(count.grouped)")
    }
    if let balance, !(0...1000).contains(balance) {
      throw ValidationError("--balance must be from 0 to 1,000, not \(balance)")
    }
    guard experts == nil else { return }
    let idle =
      counts.filter { $0.1 != nil }.map(\.0) + (balance == nil ? [] : ["--balance"])
      + drawing.given
    if let first = idle.first { throw ValidationError("\(first) goes with --experts") }
  }

  /// Nil where the model stays as it is.
  var shape: MixtureShape? {
    guard let experts else { return nil }
    var shape = MixtureShape(experts: experts, chosen: chosen ?? 2)
    shape.every = every ?? 1
    shape.granularity = granularity ?? 1
    shape.shared = shared ?? 0
    shape.balance = balance ?? 0.01
    return shape
  }
}
