import GraphIR

/// What a model of Hugging Face's transformers made of three steps, and the same model in our words.
public struct FamilyFixture {
  public let fixture: Fixture
  public let model: FamilyModel

  /// No such family.
  public struct Unknown: Error { let family: String }

  public static let names = [
    "llama", "gpt2", "mixtral", "qwen2-moe", "qwen3-moe", "qwen3-moe-unnormalized", "olmoe",
    "gpt-oss", "deepseek-v3",
  ]

  public init(_ name: String) throws {
    fixture = try Fixture("families/\(name)")
    guard let family = FamilyModel.Family(rawValue: fixture.text("family")) else {
      throw Unknown(family: fixture.text("family"))
    }
    model = Self.model(family, fixture)
  }

  private static func model(_ family: FamilyModel.Family, _ file: Fixture) -> FamilyModel {
    FamilyModel(family) {
      ($0.B, $0.T, $0.V, $0.C) = (file.size("B"), file.size("T"), file.size("V"), file.size("C"))
      ($0.heads, $0.keyHeads) = (file.size("heads"), file.size("key_heads"))
      ($0.headDepth, $0.depth) = (file.size("head_depth"), file.size("layers"))
      ($0.queryRank, $0.keyRank) = (file.size("query_rank"), file.size("key_rank"))
      ($0.turnedDepth, $0.valueDepth) = (file.size("turned_depth"), file.size("value_depth"))
      ($0.F, $0.shared, $0.dense) = (file.size("F"), file.size("shared"), file.size("dense"))
      ($0.experts, $0.chosen) = (file.size("E"), file.size("k"))
      $0.isNormalized = file.text("normalized") == "True"
      ($0.groups, $0.keptGroups) = (file.size("groups"), file.size("kept_groups"))
      $0.scaled = file.number("scaled") ?? 1
      ($0.window, $0.limit) = (file.number("window").map { Int($0) }, file.number("limit"))
      ($0.base, $0.normEpsilon) = (file.number("base") ?? 0, file.number("norm_epsilon") ?? 0)
      ($0.balance, $0.biasRate) = (file.number("balance") ?? 0, file.number("bias_rate") ?? 0)
      $0.optimizer = file.optimizer
    }
  }
}
