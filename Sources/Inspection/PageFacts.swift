/// What the page's scripts read: one JSON object whose parts refer to each other by index.
///
/// Times are indices of the calls of a training step in order, the optimizer's update last. Lines
/// count from 1.
struct PageFacts: Encodable {
  var model: String

  /// The model's own name for its source: `makemoe.swift`; the text is the file `model.swift`.
  var sourceName: String
  var files: [File] = []
  var types: [ValueType] = []
  var layers: [LayerFacts] = []
  var calls: [CallFacts] = []
  var nodes: [NodeFacts] = []

  /// Stretches of C that belong to a call or to a line of the model.
  var spans: [Span] = []
  var functions: [Function] = []

  var runs: [Run] = []
  var regions: [Region] = []
  var buffers: [BufferFacts] = []

  /// How many times there are, the update included.
  var duration = 0
  var bench: BenchFacts?

  struct File: Encodable {
    var path: String
    var text: String

    /// Whether it is the C of a layer, which is shown first.
    var isLayer: Bool
  }

  struct ValueType: Encodable {
    /// `f32[B, T, C]`, and the sizes: `16 × 32 × 128`.
    var text: String
    var sizes: String
    var bytes: Int
  }

  struct Span: Encodable {
    var file: Int
    var first: Int
    var last: Int
    var call: Int?
    var source: Int?
  }

  /// A function's definition in C.
  struct Function: Encodable {
    var name: String
    var file: Int
    var first: Int
    var last: Int
  }
}

extension PageFacts {
  struct LayerFacts: Encodable {
    var name: String
    var uses: [String]
    var line: Int?
    var file: Int?
    var parameters: Int
    var flops: [Int]
    var savedBytes: Int

    /// Nodes of its parameters, calls of forward and backward; in `calls` and `nodes`.
    var parameterNodes: [Int]
    var forward: [Int]
    var backward: [Int]

    /// Nodes that no call is known for, where the library's plan is not.
    var looseNodes: [Int]
  }

  struct CallFacts: Encodable {
    var layer: Int
    var phase: String
    var title: String
    var scope: String
    var formula: String

    /// The C function that is called.
    var kernel: String?
    var line: Int?
    var nodes: [Int]
    var results: [OperandFacts]
    var inputs: [OperandFacts]
    var flops: Int
    var bytes: Int
    var time: BenchFacts.Time?
  }

  struct OperandFacts: Encodable {
    var name: String
    var type: Int

    /// What kind of memory holds it, in words.
    var place: String
    var panels: Bool
  }

  struct NodeFacts: Encodable {
    /// Its number in graph.txt.
    var number: Int
    var op: String

    /// A pointwise op's expression, or a parameter's initial distribution.
    var detail: String
    var scope: String
    var phase: String
    var line: Int?
    var types: [Int]
    var calls: [Int]
    var formula: String
    var gradients: [String]

    /// Its line of graph.txt.
    var text: String
  }
}

extension PageFacts {
  /// A use of a layer in one direction: the times at which its calls are.
  struct Run: Encodable {
    var name: String
    var layer: Int
    var phase: String
    var start: Int
    var calls: [Int]
  }

  /// A part of the arena.
  struct Region: Encodable {
    var name: String
    var kind: String
    var offset: Int
    var bytes: Int
  }

  /// A rectangle of the memory map.
  struct BufferFacts: Encodable {
    var name: String
    var type: Int
    var region: Int
    var offset: Int
    var bytes: Int
    var first: Int
    var last: Int

    /// The times of the calls that read or write it.
    var touched: [Int]
  }
}
