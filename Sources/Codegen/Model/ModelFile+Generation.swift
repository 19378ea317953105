import Planning

extension ModelFile {
  /// How a model generates, for the head of `model.c`.
  var generationLines: [String] {
    switch context.generation {
    case .cached where plan.infers:
      [
        "Generation: keys and values stay from one moec_next to the next, which computes only the tokens after",
        "those that both begin with. It learns nothing: losses and steps are refused.",
      ]
    case .cached:
      [
        "Generation: keys and values stay from one moec_logits to the next, which computes only the tokens",
        "after those that both begin with.",
      ]
    case .recomputed(let why):
      ["Generation: the whole window for every token, as", "\(why)."]
    }
  }
}
