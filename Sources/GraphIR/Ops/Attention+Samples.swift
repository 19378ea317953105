extension Attention {
  public static var samples: [Sample] {
    [
      sample(heads: 1, width: 3, length: 5),
      sample(heads: 2, width: 6, length: 13, rate: 0.2),
      sample(heads: 3, width: 48, length: 33, rate: 0.1),
      sample(heads: 1, width: 1, length: 1),
      sample(heads: 6, keys: 2, width: 18, length: 19, rate: 0.2),
      sample(heads: 4, keys: 1, width: 64, length: 32),
      sample(heads: 2, width: 6, length: 41, window: 7, rate: 0.2),
      sample(heads: 2, width: 32, length: 48, window: 17),
      sample(heads: 2, width: 6, length: 5, window: 90),
      sample(heads: 3, width: 9, length: 6, window: 1),
      sample(heads: 2, width: 10, length: 21, softCap: 0.8),
      sample(heads: 2, width: 10, length: 21, hasSinks: true),
      sample(heads: 2, width: 4, length: 1, hasSinks: true),
      sample(
        heads: 4, keys: 2, width: 20, length: 23, window: 5, softCap: 1.5, rate: 0.3,
        hasSinks: true),
      sample(heads: 2, width: 6, length: 29, rate: 0.2, hasDocuments: true),
      sample(
        heads: 4, keys: 2, width: 20, length: 37, window: 9, softCap: 1.5, hasSinks: true,
        hasDocuments: true),
    ]
  }

  private static func sample(
    heads: Int, keys: Int? = nil, width: Int, length: Int, window: Int? = nil,
    softCap: Double? = nil, rate: Double = 0, hasSinks: Bool = false,
    hasDocuments: Bool = false
  ) -> Sample {
    let words =
      [keys.map { "keys \($0)" }, window.map { "window \($0)" }, softCap.map { "cap \($0)" }]
      .compactMap { $0 } + (hasSinks ? ["sinks"] : []) + (hasDocuments ? ["documents"] : [])
    let name = (["attention heads \(heads) width \(width) length \(length)"] + words)
      .joined(separator: " ")
    return Sample(name, context: length, batch: 2) { s in
      let (H, C) = (Axis("H", heads), Axis("C", width))
      let G = keys.map { Axis("G", $0) }
      let narrow = keys.map { Axis("W", width / heads * $0) } ?? C
      let op = Attention(
        heads: H, keyHeads: G, scale: 0.4, window: window, softCap: softCap, rate: rate, stream: 3)
      let sinks = hasSinks ? [s.operand("s", [H])] : []
      let documents = hasDocuments ? [s.beginnings()] : []
      let operands = [
        s.operand("q", width: C), s.operand("k", width: narrow), s.operand("v", width: narrow),
      ]
      return [s.apply(.attention(op), operands + sinks + documents)[0]]
    }
  }
}
