import ArgumentParser
import Foundation
import Runner
import Words

/// `moec new NAME`.
struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new",
    abstract: "Makes a folder with a model, a text, and what an editor needs.",
    discussion: """
      MODELS
      \(Template.list)

      EXAMPLES
        moec new my-model
        moec new my-model --model gpt2
        moec new my-model --model makemoe-topk --data ~/novels.txt
      """)

  @ArgumentParser.Argument(help: "The folder to make; it may be there if it is empty.")
  var name: String

  @Option(help: "The model to begin with, one of those above.")
  var model = Template.makemoe

  @Option(
    help:
      "A UTF-8 text to train on; the model gets its number of characters. (default: plays by Shakespeare)",
    completion: .file())
  var data: String?

  func validate() throws {
    guard !name.allSatisfy(\.isWhitespace) else {
      throw ValidationError("name a folder, such as my-model")
    }
  }

  func run() throws {
    try reportingErrors {
      let workshop = try Workshop(folder: name, template: model, data: data)
      try workshop.make()
      try printNow(workshop.report)
    }
  }
}

/// The models that a new folder may begin with: each is a file of `Examples`.
enum Template: String, CaseIterable, ExpressibleByArgument {
  case makemoe
  case makemoeTopK = "makemoe-topk"
  case makemoeCapacity = "makemoe-capacity"
  case mixtral
  case qwen3MoE = "qwen3-moe"
  case olmoe
  case deepseek
  case switchTransformer = "switch"
  case shazeer
  case gpt2
  case llama
  case tiny

  var sentence: String {
    switch self {
    case .makemoe: "noisy top-2 of 8 experts, attention written out"
    case .makemoeTopK: "the same with a plain top-k router"
    case .makemoeCapacity: "the same with experts that take no more than their share"
    case .mixtral: "rotary grouped-query attention, 2 of 8 gated experts"
    case .qwen3MoE: "the same with normalised heads, 4 of 16 narrow experts"
    case .olmoe: "experts weighed by a softmax over all of them"
    case .deepseek: "balanced by a bias, with an expert for every token"
    case .switchTransformer: "one expert for each token, with room for so many"
    case .shazeer: "makemoe's noise with the losses of its paper"
    case .gpt2: "no experts: a small GPT-2 to compare with"
    case .llama: "no experts: a small Llama to compare with"
    case .tiny: "a few thousand parameters, trained in seconds"
    }
  }

  static var list: String {
    allCases.map { template in
      "  " + template.rawValue.padded(to: 18) + template.sentence
    }.joined(separator: "\n")
  }
}
