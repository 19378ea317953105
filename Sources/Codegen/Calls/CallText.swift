import GraphIR
import Lowering
import Planning

/// A call whose operands are C expressions, found by their roles.
struct CallText {
  let call: Call
  private let expression: (Operand) -> CExpression

  init(_ call: Call, _ expression: @escaping (Operand) -> CExpression) {
    self.call = call
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

  func type(_ role: Role) -> TensorType { call[role]?.type ?? .scalar }
  func madeType(_ role: Role) -> TensorType { call.kernel.result(role)?.type ?? .scalar }
  func rows(_ role: Role) -> CExpression { CNames.rows(type(role)) }
  func width(_ role: Role) -> CExpression { CNames.width(type(role)) }
  func count(_ role: Role) -> CExpression { CNames.product(type(role).axes) }
}
