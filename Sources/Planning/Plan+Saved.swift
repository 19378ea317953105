import GraphIR
import Lowering

// Where uses of a layer have their saved buffers.
extension Plan {
  /// The saved buffers of a layer that each of its uses has of its own; of the others it has none, but shares the
  /// first one's. In a library that learns, and runs nothing again, these are all.
  public func own(of layer: Layer) -> Set<Int> {
    layer.own(infers: infers, recomputes: recomputes, goesOn: recomputation == nil)
  }

  /// Bytes from the start of the saved region to each of a use's saved buffers.
  public func savedOffsets(of use: LayerUse) -> [Int] {
    let layer = layers[use.layer]
    let first = uses.first { $0.layer == use.layer } ?? use
    let offsets = ownOffsets(of: layer)
    return layer.saved.indices.map { index in
      guard use.instance > 0, let offset = offsets[index] else {
        return first.savedOffset + layer.saved[index].offset
      }
      return use.savedOffset + offset
    }
  }

  /// Bytes from the start of what a use that is not the first has of its own to each of these buffers, in
  /// their order.
  public func ownOffsets(of layer: Layer) -> [Int: Int] {
    var offsets: [Int: Int] = [:]
    var end = 0
    for index in own(of: layer).sorted() {
      offsets[index] = end
      end += layer.saved[index].bytes
    }
    return offsets
  }

  /// Whether there are layers whose forward runs again in backward.
  public var hasSharedBuffers: Bool {
    recomputes
      && layers.indices.contains { layer in
        own(of: layers[layer]).count < layers[layer].saved.count
          && uses.filter { $0.layer == layer }.count > 1
      }
  }

  /// Whether the loss makes logits for itself, part by part, and again in backward.
  public var makesLogitsInParts: Bool {
    layers.flatMap(\.backward).contains { $0.op?.kind == .linearCrossEntropyGradient }
  }

  /// Whether a use is its layer's last in forward: backward finds its buffers as they were.
  public func isLast(_ use: LayerUse) -> Bool {
    use.instance == (uses.last { $0.layer == use.layer } ?? use).instance
  }
}

extension Layer {
  /// The saved buffers that each use has of its own.
  ///
  /// Where forward runs again these are what routers chose, which tells after the step whose experts learned, and
  /// what generation keeps from one token to the next, if passes go on where others ended.
  func own(infers: Bool, recomputes: Bool, goesOn: Bool) -> Set<Int> {
    if infers { return keptForAttention }
    guard recomputes else { return Set(saved.indices) }
    return (goesOn ? keptForAttention : []).union(
      saved.indices.filter { saved[$0].type.element != .f32 })
  }

  /// The saved buffers that attention reads as keys and values; and as queries, where its result is kept for another
  /// one's: with the first new row it makes some before that again.
  private var keptForAttention: Set<Int> {
    let calls = forward.filter { if case .attention = $0.op { true } else { false } }
    var kept = Set(calls.flatMap { $0.saved([.keys, .values, .projections]) })
    for call in calls where call.kernel.result(.output).map({ isKept($0, kept) }) ?? false {
      kept.formUnion(call.saved([.queries]))
    }
    return kept
  }

  /// What leaves the layer may be another one's keys or values.
  private func isKept(_ operand: Operand, _ kept: Set<Int>) -> Bool {
    switch operand.place {
    case .saved(let index): kept.contains(index)
    case .argument: true
    case .source, .parameter, .gradient, .borrowed, .scratch: false
    }
  }
}

extension Call {
  /// The saved buffers of operands in these roles.
  fileprivate func saved(_ roles: [Role]) -> [Int] {
    roles.compactMap { role in
      guard case .saved(let index)? = self[role]?.place else { return nil }
      return index
    }
  }
}
