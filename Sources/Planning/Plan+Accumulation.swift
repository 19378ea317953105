extension Plan {
  /// The same plan with room for the gradients of several batches between updates, as
  /// `init(_:source:accumulates: true)` would make it: a second copy of the gradients after all else.
  public func accumulating() -> Plan {
    if accumulates { return self }
    var plan = self
    let copy = regions.firstMoments - regions.gradients
    plan.accumulates = true
    plan.regions.total += copy
    plan.memory.gradients += copy
    return plan
  }
}
