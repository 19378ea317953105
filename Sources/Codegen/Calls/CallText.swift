import GraphIR
import Lowering
import Planning

/// A call whose operands are C expressions, found by their roles.
struct CallText {
  let call: Call
  private let seen: (TensorType) -> TensorType
  private let expression: (Operand) -> CExpression

  /// - Parameter seen: an operand's type as the call has it, which may go through a part of its rows.
  init(
    _ call: Call, _ seen: @escaping (TensorType) -> TensorType,
    _ expression: @escaping (Operand) -> CExpression
  ) {
    self.call = call
    self.seen = seen
    self.expression = expression
  }

  /// The operand of a role; `NULL` if the call has none.
  subscript(role: Role) -> CExpression { call[role].map(expression) ?? "NULL" }

  /// All operands of a role.
  func all(_ role: Role) -> [CExpression] { call.kernel.all(role).map(expression) }

  /// What the last step of a result reads beside it.
  func extras(of place: Int) -> [CExpression] { call.kernel.extras(of: place).map(expression) }

  /// All results of a role.
  func allMade(_ role: Role) -> [CExpression] { call.kernel.results(role).map(expression) }

  /// The result of a role; `NULL` if nothing reads it.
  func made(_ role: Role) -> CExpression { call.kernel.result(role).map(expression) ?? "NULL" }

  func type(_ role: Role) -> TensorType { call[role].map { seen($0.type) } ?? .scalar }
  func madeType(_ role: Role) -> TensorType {
    call.kernel.result(role).map { seen($0.type) } ?? .scalar
  }
  func rows(_ role: Role) -> CExpression { CNames.rows(type(role)) }
  func width(_ role: Role) -> CExpression { CNames.width(type(role)) }
  func count(_ role: Role) -> CExpression { CNames.product(type(role).axes) }
}
