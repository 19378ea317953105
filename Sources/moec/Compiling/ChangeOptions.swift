import ArgumentParser
import Driver
import Passes
import Words

/// What commands that trace a model can be told of what is to learn.
struct ChangeOptions: ParsableArguments {
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      Parameters that keep their values: their names or those of scopes, with commas between; * stands \
      for anything.
      """, valueName: "names"))
  var freeze: [String] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Let low-rank adapters learn beside weights, and freeze all else.", valueName: "rank"))
  var lora: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What adapters add is multiplied by this over the rank. (default: twice the rank)",
      valueName: "number"))
  var loraAlpha: Double?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      Which weights of linear layers get adapters: attention, mlp, experts, router, all, or names. \
      (default: attention,mlp,experts)
      """, valueName: "which"))
  var loraOn: [String] = []

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Parameters that learn beside the adapters.", valueName: "names"))
  var loraLearn: [String] = []

  func validate() throws {
    try check(freeze, "--freeze")
    try check(loraOn, "--lora-on")
    try check(loraLearn, "--lora-learn")
    if let lora, !(1...65_536).contains(lora) {
      throw ValidationError("--lora must be from 1 to 65,536, not \(lora.grouped)")
    }
    if let loraAlpha, !(loraAlpha > 0 && loraAlpha.isFinite) {
      throw ValidationError("--lora-alpha must be a number above 0, not \(loraAlpha)")
    }
    if lora == nil, loraAlpha != nil || !loraOn.isEmpty || !loraLearn.isEmpty {
      throw ValidationError("--lora-alpha, --lora-on and --lora-learn go with --lora RANK")
    }
    if lora != nil, !freeze.isEmpty {
      throw ValidationError(
        "--freeze has no meaning with --lora, which freezes all but the adapters and what --lora-learn names"
      )
    }
  }

  private func check(_ lists: [String], _ option: String) throws {
    if lists.flatMap(ParameterPattern.list).contains(where: \.text.isEmpty) {
      throw ValidationError(
        "\(option) needs names with commas between, such as \(option) block.0,head")
    }
  }

  func apply(to compilation: inout Compilation) {
    compilation.frozen = freeze.flatMap(ParameterPattern.list)
    guard let lora else { return }
    let targets = loraOn.flatMap(ParameterPattern.list).map(AdapterTarget.init)
    compilation.adapters = AdapterRequest(
      rank: lora, alpha: loraAlpha, targets: targets.isEmpty ? AdapterTarget.usual : targets,
      learned: loraLearn.flatMap(ParameterPattern.list))
  }
}
