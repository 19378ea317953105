import MoE

/// Writes a random model: what has been made so far, and what may come next.
struct ModelWriter {
  var dice: Dice
  let sizes: ModelSizes

  /// The values at hand, each with its width; the youngest last.
  var values: [(tensor: Tensor, width: MoE.Axis)] = []

  /// Weights [C, C] that several layers may share.
  var shared: [Tensor] = []

  /// Routings at hand, which later mixtures may use again.
  var routings: [Routing] = []
  var text: MoE.Text?
  private var names = 0
  private var depth = 0

  init(seed: UInt64) {
    dice = Dice(seed: seed)
    sizes = ModelSizes(&dice)
  }

  /// A name that is new in its scope.
  mutating func name(_ word: String) -> String {
    names += 1
    return "\(word)\(names)"
  }

  mutating func model(_ text: MoE.Text) -> Tensor {
    self.text = text
    let table = parameter("table", sizes.V, sizes.C, initial: .normal(1))
    var x =
      dice.happens(50) ? text.tokens.embedding(table) : text.tokens.embedding("token", sizes.C)
    if dice.happens(60) { x = x + text.positions.embedding("position", sizes.C) }
    if dice.happens(10) {
      let bias = text.tokens.embedding("wide", sizes.T) + text.positions.embedding("bias", sizes.T)
      x = x + bias.linear("narrow", sizes.C)
    }
    if dice.happens(25) { shared = [parameter("shared", sizes.C, sizes.C, initial: .normal(0.3))] }
    values = [(x, sizes.C)]
    for _ in 0..<dice.int(1...4) { section() }
    return head(table)
  }

  private mutating func head(_ table: Tensor) -> Tensor {
    var (x, width) = values[values.count - 1]
    if dice.happens(50) { x = x.layerNorm("final") }
    if dice.happens(20), width == sizes.C { return x.linear(weight: table) }
    let logits = x.linear("head", sizes.V, bias: dice.happens(70))
    return dice.happens(10) ? logits * 0.5 : logits
  }

  /// Steps by themselves, in a scope, or as layers one on the other.
  private mutating func section() {
    depth += 1
    defer { depth -= 1 }
    switch dice.int(0...5) {
    case 0 where depth < 3:
      let scopeName = name("part")
      scope(scopeName) { section() }
    case 1, 2, 3: layersOfSteps()
    default: for _ in 0..<dice.int(1...3) { step() }
    }
  }

  /// Layers that make the same steps of what the layer before made, C to C; now and then one differs, and
  /// some use values and routings from outside.
  private mutating func layersOfSteps() {
    let (seed, count) = (dice.bits(), dice.int(1...3))
    let odd = dice.happens(15) ? dice.int(0...count - 1) : -1
    let outside = (dice, values, routings)
    let seen = dice.happens(30) ? (values, routings) : ([], [])
    let (layer, input) = (name("block"), narrowed())
    let taken = names
    var index = 0
    let result = layers(layer, count, input) { x in
      dice = Dice(seed: index == odd ? seed &+ 1 : seed)
      (values, routings, names) = (seen.0 + [(x, sizes.C)], seen.1, 0)
      index += 1
      for _ in 0..<dice.int(1...4) { dice.happens(12) && depth < 3 ? section() : step() }
      let y = narrowed()
      return dice.happens(70) ? x + y : y
    }
    (dice, values, routings) = outside
    names = taken
    values.append((result, sizes.C))
  }

  /// The youngest value as wide as C.
  mutating func narrowed() -> Tensor {
    let (x, width) = values[values.count - 1]
    return width == sizes.C ? x : x.linear(name("narrow"), sizes.C)
  }

  /// Any value, the youngest most of the time.
  mutating func any() -> (tensor: Tensor, width: MoE.Axis) {
    dice.happens(70) ? values[values.count - 1] : dice.pick(values)
  }

  /// A value of some width: one that is there, or made for it.
  mutating func any(_ width: MoE.Axis) -> Tensor {
    let fitting = values.filter { $0.width == width }
    if !fitting.isEmpty && dice.happens(80) { return dice.pick(fitting).tensor }
    return any().tensor.linear(name("fit"), width)
  }
}
