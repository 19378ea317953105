import ArgumentParser
import Exchange
import SystemFiles

/// `moec weights convert IN OUT --names makemoe`.
struct WeightsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "weights",
    abstract: "Exchanges weights with other programs and models.",
    discussion: """
      EXAMPLES
        moec weights convert state-dict.safetensors w.safetensors --names makemoe
        moec weights merge runs/tuned/weights.safetensors merged.safetensors
        moec weights names makemoe
        moec weights upcycle dense.safetensors --into libmix.so -o w.safetensors
      """,
    subcommands: [Convert.self, Merge.self, Names.self, Upcycle.self])

  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Renames and reshapes the tensors of a safetensors file, in either direction.",
      discussion: """
        EXAMPLES
          moec weights convert w.safetensors state-dict.safetensors --names makemoe
          moec weights convert state-dict.safetensors w.safetensors --names makemoe
          moec weights names makemoe > mine.names      # a start for names of your own
        """)

    @Argument(
      help: "The file to read, with moec's names or the other program's.", completion: .weights)
    var input: String

    @Argument(help: "The file to write, with the others.", completion: .weights)
    var output: String

    @Option(
      help: ArgumentHelp("Which names: makemoe, or a file of your own.", valueName: "names"),
      completion: .file())
    var names: String

    @Option(
      name: .customLong("set"),
      help: ArgumentHelp("How many pieces to cut into: h=8 for eight heads.", valueName: "x=n"))
    var counts: [String] = []

    @Flag(help: "Write what the other program makes itself too, such as causal masks.")
    var buffers = false

    @Flag(help: "Replace a file of weights that is there.")
    var overwrite = false

    func validate() throws { _ = try pairs() }

    func run() throws {
      let counts = try pairs()
      try reportingErrors {
        var claims = FileClaims()
        claims.read(input, "the file to convert")
        claims.read(NameMap.builtIn[names] == nil ? names : nil, "--names")
        claims.write(output, "the file to write", over: .weights, mayReplace: overwrite)
        try claims.check()
        let map = try NameMap.named(names)
        let file = try Safetensors(path: input)
        let conversion = try NameConversion(file, map, counts: counts, buffers: buffers)
        try Safetensors.write(conversion.outputs, metadata: file.metadata, to: output)
        let direction =
          conversion.direction == .toTheirs ? "from moec's names" : "to moec's names"
        printToStandardError(
          "wrote \(output): \(conversion.outputs.count) tensors, \(direction)")
        if !conversion.leftOut.isEmpty {
          printToStandardError("left out: \(NameList(conversion.leftOut))")
        }
      }
    }

    private func pairs() throws -> [String: Int] {
      var pairs: [String: Int] = [:]
      for text in counts {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let count = Int(parts[1]), count > 0 else {
          throw ValidationError("--set needs a name and a count, such as h=8, not \(text)")
        }
        pairs[String(parts[0])] = count
      }
      return pairs
    }
  }

  struct Names: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Prints names that moec knows.",
      discussion: """
        EXAMPLES
          moec weights names makemoe
          moec weights names makemoe > mine.names
        """)

    @Argument(
      help: "Which: \(NameMap.builtIn.keys.sorted().joined(separator: ", ")).",
      completion: .list(NameMap.builtIn.keys.sorted()))
    var name: String

    func run() throws {
      try reportingErrors {
        guard let text = NameMap.builtIn[name] else { throw NameMapError.unknown(name: name) }
        try printNow(text)
      }
    }
  }
}
