import GraphIR
import Lowering
import Planning

/// Calls that route tokens to experts and bring rows back.
extension CallEmitter {
  func top(_ op: Top, _ c: CallText) -> Statement {
    let replays: CExpression = layer.isRouter(c.call) ? "\(CExpression.pass)->replays" : "0"
    return Statement(
      calling: "top",
      [c.made(.output), c.made(.choice), c[.logits], c.rows(.logits), c.width(.logits)]
        + [CNames.size(op.chosen), replays])
  }

  func gather(_ c: CallText) -> Statement {
    Statement(
      calling: "gather",
      [c.made(.output), c[.operand], c[.choice], c.rows(.choice), c.width(.operand)]
        + [c.width(.choice)])
  }

  /// The numbers of one role, where the choice says, as a result of another.
  func scatter(_ made: Role, _ read: Role, _ experts: GraphIR.Axis, _ c: CallText) -> Statement {
    Statement(
      calling: "scatter",
      [c.made(made), c[read], c[.choice], c.rows(read), CNames.size(experts), c.width(read)])
  }

  func route(_ op: Route, _ c: CallText) -> Statement {
    let experts = CNames.size(op.experts)
    let made = [.start, .source, .slot].map { c.made($0) }
    guard let capacity = op.capacity, capacity.order != .position || capacity.perSequence else {
      let limit = op.capacity.map { self.limit($0, of: c.count(.choice), experts) } ?? "-1"
      return Statement(
        calling: "route",
        made + [c[.choice], c.rows(.choice), c.width(.choice), experts, limit])
    }
    let axes = c.type(.choice).axes
    let isApart = capacity.perSequence && axes.count > 2
    let groups: CExpression = isApart ? CNames.size(axes[0]) : "1"
    let rows = isApart ? CNames.product(axes.dropFirst().dropLast()) : c.rows(.choice)
    let pairs = isApart ? CNames.product(axes.dropFirst()) : c.count(.choice)
    let order: CExpression =
      switch capacity.order {
      case .position: "BY_POSITION"
      case .weight: "BY_WEIGHT"
      case .choice: "BY_CHOICE"
      }
    return Statement(
      calling: "route_ranked",
      made + [c[.choice], c[.gates], order, groups, rows, c.width(.choice), experts]
        + [limit(capacity, of: pairs, experts)])
  }

  /// Multiplied and truncated in double, as the reference does.
  private func limit(
    _ capacity: Capacity, of pairs: CExpression, _ experts: CExpression
  ) -> CExpression {
    guard let factor = capacity.factor else { return "\(capacity.least)" }
    let share: CExpression = "(double)(\(pairs)) / \(experts.asDivisor) * \(factor)"
    let whole: CExpression = capacity.roundsUp ? "(int)ceil(\(share))" : "(int)(\(share))"
    return capacity.least > 0 ? "larger(\(capacity.least), \(whole))" : whole
  }

  func kept(_ c: CallText) -> Statement {
    Statement(calling: "kept_choices", [c.made(.output), c[.slot], c.count(.slot)])
  }

  func dispatch(_ c: CallText) -> Statement {
    let experts = c.madeType(.output).experts.map(CNames.size) ?? "1"
    return Statement(
      calling: "dispatch",
      [c.made(.output), c[.rows], c[.source], c[.start], experts, c.width(.rows)])
  }

  func dispatchGradient(_ c: CallText) -> Statement {
    Statement(
      calling: "dispatch_gradient",
      [c.made(.rows), c[.gradient], c[.slot], c.rows(.slot), c.width(.slot), c.width(.gradient)])
  }

  func combine(_ c: CallText) -> Statement {
    let residual = c.all(.extra)
    return Statement(
      calling: "combine" + (residual.isEmpty ? "" : "_add"),
      [c.made(.output)] + residual + [c[.rows], c[.gates], c[.slot]] + combinedSizes(c))
  }

  func combineGradient(_ c: CallText) -> Statement {
    let last = lastStep(c)
    return Statement(
      calling: "combine_gradient" + (last.isEmpty ? "" : "_finished"),
      [c.made(.rows), c.made(.gates), c[.gradient], c[.rows], c[.gates], c[.slot]]
        + combinedSizes(c) + last)
  }

  private func combinedSizes(_ c: CallText) -> [CExpression] {
    [c.rows(.gates), c.width(.gates), c.width(.rows)]
  }
}
