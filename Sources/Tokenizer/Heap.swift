/// Elements of which the smallest is taken first.
struct Heap<Element: Comparable> {
  /// Each is no larger than those at twice its place and one or two further.
  private var elements: [Element] = []

  mutating func removeAll() { elements.removeAll(keepingCapacity: true) }

  mutating func push(_ element: Element) {
    var child = elements.count
    elements.append(element)
    while child > 0, element < elements[(child - 1) / 2] {
      elements[child] = elements[(child - 1) / 2]
      child = (child - 1) / 2
    }
    elements[child] = element
  }

  /// The smallest, which is then gone; nil if there is none.
  mutating func pop() -> Element? {
    guard let top = elements.first, let element = elements.popLast() else { return nil }
    if elements.isEmpty { return top }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      if child >= elements.count { break }
      if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
      if !(elements[child] < element) { break }
      elements[parent] = elements[child]
      parent = child
    }
    elements[parent] = element
    return top
  }
}
