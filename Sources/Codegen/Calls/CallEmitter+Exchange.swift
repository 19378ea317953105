import GraphIR
import Lowering
import Planning

/// Calls that exchange rows with the ranks that share out the experts.
extension CallEmitter {
  func exchangeCounts(_ c: CallText) -> Statement {
    let experts = (c.type(.start).axes.first?.size ?? 1) - 1
    return Statement(
      calling: "exchange_counts",
      [c.made(.received), c.made(.origin), c[.start], "\(experts)", .pass])
  }

  /// From rows that begin as one table says to rows that begin as the other says.
  func exchangeRows(_ op: ExchangeRows, _ c: CallText) -> Statement {
    let experts = c.madeType(.output).experts.map(CNames.size) ?? "1"
    let tables = op.isBack ? [c[.start], c[.received]] : [c[.received], c[.start]]
    return Statement(
      calling: "exchange_rows",
      [c.made(.output), c[.rows]] + tables + [experts, c.width(.rows), .pass])
  }
}

/// How a call goes through rows that came from several ranks: those of one after those of another.
///
///     for (int r = 0; r < 4; r++) {
///         const rank_rows from = rows_of_rank(s->received, s->origin, r, E/4);
///         expert_linear(…, from.start, E/4, …);
///     }
///
/// Where a kernel is told the experts' first rows, these are of one rank; else rows themselves begin there. The random
/// numbers are those of the rank that the rows came from, and so are the gradients of weights: each rank's has a place
/// of its own, as it is the sum over another batch.
struct Arrival {
  private let ranks: Int
  private let experts: GraphIR.Axis

  /// Whether the kernel is told where experts' rows begin.
  private let isByStart: Bool
  private let gradients: Set<Place>

  init(_ call: Call, start: Operand, origin: Operand) {
    ranks = origin.type.axes[0].size
    var experts = start.type.axes[0]
    experts.offset = 0
    self.experts = experts
    isByStart = call.op?.operation.sortedRows == .byStart
    gradients = Set(
      call.kernel.results.filter { $0.content.type.experts == nil }.map(\.content.place))
  }

  private var own: GraphIR.Axis { experts / ranks }

  func loop(_ start: CExpression, _ origin: CExpression, around call: Statement) -> Statement {
    Statement([
      Statement("for (int r = 0; r < \(ranks); r++) {"),
      Statement("const rank_rows from = rows_of_rank(\(start), \(origin), r, \(CNames.size(own)));")
        .indented, call.indented, Statement("}"),
    ])
  }

  /// Rows are as many as came from the rank, and weights are those of the rank's own experts.
  func seen(_ type: TensorType) -> TensorType {
    guard let first = type.axes.first else { return type }
    let rows = GraphIR.Axis(
      symbol: .init(name: "from.rows", size: first.size, extent: .received))
    if type.experts != nil {
      return TensorType(type.element, [rows] + type.axes.dropFirst(), by: own)
    }
    return first == experts ? TensorType(type.element, [own] + type.axes.dropFirst()) : type
  }

  /// Where what is the rank's begins in an operand.
  func moved(_ place: CExpression, _ operand: Operand) -> CExpression {
    if operand.type.experts != nil {
      return isByStart
        ? place : "\(place) + from.first*\(CNames.product(operand.type.axes.dropFirst()))"
    }
    if gradients.contains(operand.place) { return "\(place) + (size_t)r*\(size(of: operand))" }
    return operand.type == .i32(experts.plusOne) ? "from.start" : place
  }

  /// The numbers of the rank's own experts.
  private func size(of operand: Operand) -> CExpression {
    let (axes, own) = (operand.type.axes, CNames.product([own]))
    switch operand.layout {
    case .rowMajor: return "\(own)*\(CNames.product(axes.dropFirst()))"
    case .panels:
      return
        "\(own)*panels_size(\(CNames.size(axes[axes.count - 2])), \(CNames.size(axes[axes.count - 1])))"
    }
  }

  /// The key with which that rank draws for its rows.
  func key(_ number: CExpression, of type: TensorType, numbers: Int) -> CExpression {
    let elements = CNames.product(type.axes.dropFirst())
    let each: CExpression = numbers == 1 ? elements : "\(numbers)*\(elements)"
    let first: CExpression = isByStart ? "from.number - (uint32_t)from.first" : "from.number"
    return "key_from(random_key(from.seed, \(number)), (\(first))*\(each))"
  }
}
