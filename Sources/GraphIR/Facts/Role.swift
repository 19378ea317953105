/// What an operand is to the call that reads it, and a result to the call that makes it.
///
/// Operands are known by their roles, never by their places: a product has `rows`, `weights` and
/// perhaps a `bias`, wherever they stand. The result of a gradient has the role of that whose gradient
/// it is.
public enum Role: String, Hashable, Sendable, CaseIterable {
  case operand  // x0, x1, … of an elementwise expression, in order; the only operand of other ops
  case output  // what an op makes of its operands; its gradient may read it

  case rows  // what is gone through row by row: by a product, a norm, the experts
  case weights  // one matrix or a stack of them; of several the outputs lie side by side
  case bias
  case start  // the experts' first rows
  case source  // the token of each row; where a product has it, it gathers the rows itself
  case slot  // the row of each token's choice
  case choice  // the experts that each token chose
  case gates  // the weight of each choice
  case received  // the first rows of those that came from each rank
  case origin  // of the rank that rows came from, where they begin there, and its seed

  case mean
  case deviation  // its reciprocal, of a norm's rows
  case maximum
  case sum

  case queries
  case keys
  case values
  case projections  // queries, keys and values side by side in each row
  case sinks  // a score of each head whose weight goes to no value

  case ids
  case table
  case left
  case right
  case logits
  case targets
  case beginnings  // of each token's document, in its row

  case gradient  // of the op's result: what comes back
  case room  // what a kernel makes for itself alone
  case extra  // x1, x2, … of the last step

  /// What `projections` holds.
  public static let projected: [Role] = [.queries, .keys, .values]
}
