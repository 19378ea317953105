import ArgumentParser
import Exchange
import Foundation
import SystemFiles
import Words

extension WeightsCommand {
  struct Merge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes low-rank adapters part of the weights beside them.",
      discussion: """
        What comes out is for the library without adapters, and computes the same to rounding.

        EXAMPLES
          moec weights merge runs/tuned/weights.safetensors merged.safetensors
        """)

    @Argument(
      help: "The weights of a library with adapters, as 'moec run' saves them.",
      completion: .weights)
    var input: String

    @Argument(help: "The file to write.", completion: .weights)
    var output: String

    @Flag(help: "Replace a file of weights that is there.")
    var overwrite = false

    func run() throws {
      try reportingErrors {
        var claims = FileClaims()
        claims.read(input, "the file to merge")
        claims.write(output, "the file to write", over: .weights, mayReplace: overwrite)
        try claims.check()
        let adapted = try AdaptedWeights(try Safetensors(path: input))
        if adapted.pairs.isEmpty { throw AdapterError.none(path: input) }
        try Safetensors.write(adapted.outputs, metadata: adapted.metadata, to: output)
        printToStandardError(
          "wrote \(output): \(adapted.outputs.count.of("tensor")), \(adapted.pairs.count.of("adapter")) merged"
        )
      }
    }
  }
}
