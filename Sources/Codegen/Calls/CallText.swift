import GraphIR
import Lowering
import Planning

/// A call whose operands are C expressions, found by their roles.
struct CallText {
  let call: Call
  private let expression: (Operand) -> String

  init(_ call: Call, _ expression: @escaping (Operand) -> String) {
    self.call = call
    self.expression = expression
  }

  /// The operand of a role; `NULL` if the call has none.
  subscript(role: Role) -> String { call[role].map(expression) ?? "NULL" }

  /// All operands of a role.
  func all(_ role: Role) -> [String] { call.kernel.all(role).map(expression) }

  /// What the last step of a result reads beside it.
  func extras(of place: Int) -> [String] { call.kernel.extras(of: place).map(expression) }

  /// All results of a role.
  func allMade(_ role: Role) -> [String] { call.kernel.results(role).map(expression) }

  /// The result of a role; `NULL` if nothing reads it.
  func made(_ role: Role) -> String { call.kernel.result(role).map(expression) ?? "NULL" }

  func type(_ role: Role) -> TensorType { call[role]?.type ?? .scalar }
  func madeType(_ role: Role) -> TensorType { call.kernel.result(role)?.type ?? .scalar }
  func rows(_ role: Role) -> String { CNames.rows(type(role)) }
  func width(_ role: Role) -> String { CNames.width(type(role)) }
  func count(_ role: Role) -> String { CNames.product(type(role).axes) }
}
