import GraphIR

/// What ranks exchange in an update, in order, for any number of ranks and batches: `Exchanges` says what that is for
/// some, and the plan's text has it line by line.
public struct ExchangeTable: Hashable, Sendable {
  /// One exchange, or as many of a kind as a rank has sums over its batches.
  public struct Row: Hashable, Sendable {
    public var kind: Exchanges.Kind

    /// `gradients of block.3`.
    public var name: String

    /// Whose numbers they are, `block.3` or a layer's name; nil where they are all layers'.
    public var layer: String?

    /// The exchange's number among those that may be under way at once; nil: the next one, in turn.
    public var ticket: Int?
    public var moment: Exchanges.Moment
    public var circle = Exchanges.Circle.all
    public var size: Size
  }

  /// How much it is.
  public enum Size: Hashable, Sendable {
    /// Words of 4 bytes that each rank sends to others and receives from them; of rows the most that there can be.
    case words(sent: Int, received: Int, isBound: Bool)

    /// Words that each rank has for all others.
    case each(Int)

    /// The same for each of the sums that a rank has over its batches.
    case eachOfSums(Int)

    /// Words for each block that a rank owns, of all ranges.
    case eachBlock(Int)

    /// Numbers, of which each rank owns a share.
    case range(Plan.Range)
  }

  public private(set) var rows: [Row] = []

  /// What is exchanged in every batch, and not only in an update's last.
  public var batch: [Row] {
    rows.filter { row in
      switch row.moment {
      case .pass, .agreement: true
      case .gradients, .sums, .values: false
      }
    }
  }

  public init(_ plan: Plan) {
    let exchanged = RowExchanges(plan)
    rows = exchanged.forward
    if plan.infers { return }
    rows += exchanged.agreement
    addBackward(plan, exchanged.backward)
    gather("squares of gradients", .eachBlock(2), ticket: 0)
    let stepCounts = plan.parameters.reduce(0) { $0 + ($1.steps?.count ?? 0) }
    gather("experts and targets", .each(stepCounts + plan.parameters.count + 2), ticket: 1)
    let states = plan.regions.bytes(of: .nextStates) / Element.f32.bytes
    if states > 0 { gather("states", .eachOfSums(states), ticket: 2) }
    rows += plan.ranges.map { range in
      Row(
        kind: range.sharers > 1 ? .allToAll : .allGather, name: "values of \(range.name)",
        layer: range.layer, moment: .values, circle: Self.circle(range), size: .range(range))
    }
  }

  /// The gradients of a use travel when backward has been through it, those of what lies last first.
  private mutating func addBackward(_ plan: Plan, _ exchanged: [[Row]]) {
    var ranges = plan.ranges[...]
    var turn = 0
    for (use, own) in zip(plan.uses.indices.reversed(), exchanged) {
      rows += own
      while let range = ranges.last, range.use >= use {
        rows.append(
          Row(
            kind: .allToAll, name: "gradients of \(range.name)", layer: range.layer,
            ticket: turn % Exchanges.underWay,
            moment: .gradients(use: range.use, isWaitedFor: false), circle: Self.circle(range),
            size: .range(range)))
        turn += 1
        ranges.removeLast()
      }
    }
  }

  /// Of experts that ranks share out, those that have the same ones.
  private static func circle(_ range: Plan.Range) -> Exchanges.Circle {
    range.sharers > 1 ? .apart(range.sharers) : .all
  }

  private mutating func gather(_ name: String, _ size: Size, ticket: Int) {
    rows.append(Row(kind: .allGather, name: name, ticket: ticket, moment: .sums, size: size))
  }
}

// As the plan's text has it.
extension ExchangeTable {
  /// A line for each exchange, in order.
  public var lines: [String] { rows.enumerated().map { "\($0) \($1.text)" } }
}

extension ExchangeTable.Row {
  fileprivate var text: String {
    [
      "\(kind.rawValue) of \(name.quoted)" + (layer.map { " in \($0.quoted)" } ?? ""),
      ticket.map { "ticket \($0)" } ?? "the next ticket", moment.text, circle.text, size.text,
    ].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}

extension Exchanges.Moment {
  fileprivate var text: String {
    switch self {
    case .pass(let phase, let use): "\(phase.rawValue) of use \(use)"
    case .agreement: "before backward"
    case .gradients(let use, _): "after backward of use \(use)"
    case .sums: "after backward"
    case .values: "after the step of its range"
    }
  }
}

extension Exchanges.Circle {
  fileprivate var text: String {
    switch self {
    case .all: ""
    case .neighbours(let count): "\(count) neighbours"
    case .apart(let stride): "ranks \(stride) apart"
    }
  }
}

extension ExchangeTable.Size {
  fileprivate var text: String {
    let word = Element.f32.bytes
    return switch self {
    case .words(let sent, let received, let isBound):
      (isBound ? "at most " : "") + "\(word * sent) bytes sent and \(word * received) received"
    case .each(let words): "\(word * words) bytes of each rank"
    case .eachOfSums(let words): "\(word * words) bytes for each sum"
    case .eachBlock(let words): "\(word * words) bytes for each block"
    case .range(let range):
      "\(range.count) numbers in \(range.blocks) block" + (range.blocks == 1 ? "" : "s")
    }
  }
}
