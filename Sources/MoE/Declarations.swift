import Synchronization

/// What a model.swift declares in all: its axes, most of them before its model begins, and the model.
///
/// A name that `heads` or `top` gives to an axis keeps clear of them, wherever they are used.
enum Declarations {
  private static let sizes = Mutex<[String: Set<Int>]>([:])

  /// Every name with the sizes that it was declared with in this process.
  static var all: [String: Set<Int>] { sizes.withLock { $0 } }

  private static let model = Mutex<Site?>(nil)

  /// Notes where the model is declared; gives the place of an earlier one, if there is one.
  static func noteModel(_ site: Site) -> Site? {
    model.withLock { first in
      defer { first = first ?? site }
      return first
    }
  }

  static func note(_ name: String, _ size: Int) {
    if let tracer = Tracer.current {
      tracer.declared[name, default: []].insert(size)
    } else {
      sizes.withLock { _ = $0[name, default: []].insert(size) }
    }
  }
}
