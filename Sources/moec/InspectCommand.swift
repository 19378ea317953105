import ArgumentParser
import ModelRuntime

/// `moec inspect LIB.so --extract DIR`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Looks into a compiled model.",
    discussion: """
      A library carries the model's source, its graph, its plan and all generated C.

      EXAMPLES
        moec inspect libmakemoe.so --extract sources
      The head of model.c has the line that builds the library from them again.
      """)

  @Argument(help: "The library that 'moec compile' made.")
  var library: String

  @Option(help: ArgumentHelp("Write the files that the library was made from.", valueName: "dir"))
  var extract: String

  func run() throws {
    try reportingErrors {
      let sources = try EmbeddedSources(library: library)
      try sources.write(to: extract)
      try printNow("\(sources.files.count) files in \(extract)\n")
    }
  }
}
