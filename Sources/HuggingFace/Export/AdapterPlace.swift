import Exchange

/// Where a weight's adapter belongs in PEFT's layout: to a module, or to a parameter of one.
struct AdapterPlace {
  /// The weight in moec's names.
  var ours: String
  /// What PEFT is to be told: a linear module, or a parameter.
  var target: String
  /// Whether it is a parameter and no linear module: stacked experts, and what chooses them.
  var isParameter: Bool
  /// Experts of a stack; 1 elsewhere.
  var experts: Int
  /// The outputs of theirs, of which our output o is number `first + stride · o`.
  var outputs: Int
  var first: Int
  var stride: Int

  /// The module that has the adapter's matrices.
  var module: String {
    isParameter ? String(target.prefix(upTo: target.lastIndex(of: ".") ?? target.endIndex)) : target
  }
}

extension DecoderModel {
  /// The places of all matrices, in the layout that transformers has in memory.
  func adapterPlaces() -> [AdapterPlace] {
    var style = NameStyle.saved(self.architecture)
    style.isStacked = true
    var seen: Set<String> = []
    return links(style, context: longest).filter { link in
      link.ourShape.count >= 2 && seen.insert(link.ours).inserted
    }.map(AdapterPlace.init)
  }
}

extension AdapterPlace {
  fileprivate init(_ link: TensorLink) {
    ours = link.ours
    let isRouter = link.ours.hasSuffix(".mixture.router.weight")
    isParameter = !link.theirs.hasSuffix(".weight") || isRouter
    target = isParameter ? link.theirs : String(link.theirs.dropLast(".weight".count))
    let isStacked = link.ourShape.count == 3
    experts = isStacked ? link.ourShape[0] : 1
    let theirs = link.theirShape
    guard link.sizes.count == 2, let row = theirs.last else {
      (outputs, first, stride) = (link.ourShape[link.ourShape.count - 2], 0, 1)
      return
    }
    // The link is the first expert's, so that its numbers begin in their first matrix.
    if link.strides[1] == 1 {
      (outputs, first, stride) = (
        theirs[theirs.count - 2], link.from / row, link.strides[0] / row
      )
    } else {
      (outputs, first, stride) = (row, link.from % row, link.strides[0])
    }
  }
}
