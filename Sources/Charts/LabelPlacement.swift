/// Moves labels apart that would lie on each other, as little as possible.
///
/// - Parameters:
///   - wanted: where each label would like to be.
///   - distance: between neighbours, at least.
///   - range: where labels may be; it must have room for all.
/// - Returns: where each label is.
func placedApart(
  _ wanted: [Double], distance: Double, within range: ClosedRange<Double>
) -> [Double] {
  let order = wanted.indices.sorted { (wanted[$0], $0) < (wanted[$1], $1) }
  // Neighbours that touch form a group, which lies around the mean of what its members want.
  var groups: [(sum: Double, count: Int)] = []
  func top(_ group: (sum: Double, count: Int)) -> Double {
    let height = distance * Double(group.count - 1)
    let middle = group.sum / Double(group.count)
    return min(max(middle - height / 2, range.lowerBound), range.upperBound - height)
  }
  for index in order {
    groups.append((min(max(wanted[index], range.lowerBound), range.upperBound), 1))
    while let last = groups.last, let before = groups.dropLast().last,
      top(last) - top(before) < distance * Double(before.count)
    {
      groups.removeLast(2)
      groups.append((before.sum + last.sum, before.count + last.count))
    }
  }
  var places = wanted
  var rest = order[...]
  for group in groups {
    for member in 0..<group.count {
      if let index = rest.popFirst() { places[index] = top(group) + distance * Double(member) }
    }
  }
  return places
}
