import Planning

/// Where everything lies in the memory of a model.
extension ModelHeader {
  var arena: String {
    let (regions, lanes) = (context.plan.regions, context.plan.lanes)
    return """
      // Places in the arena, in bytes from its start.
      #define ARENA_GRADIENTS ((size_t)\(regions.gradients))
      #define ARENA_FIRST     ((size_t)\(regions.firstMoments))
      #define ARENA_SECOND    ((size_t)\(regions.secondMoments))
      #define ARENA_STEPS     ((size_t)\(regions.steps))
      #define ARENA_SCRATCH   ((size_t)\(regions.scratch))
      #define ARENA_TOKENS    ((size_t)\(regions.tokens))
      #define ARENA_TARGETS   ((size_t)\(regions.targets))
      #define ARENA_POSITIONS ((size_t)\(regions.positions))
      #define ARENA_SUMS      ((size_t)\(regions.sums))
      #define ARENA_BYTES     ((size_t)\(regions.total))

      // From lane to lane, in bytes. All that evaluation writes lies in one of them; where the others are,
      // training keeps what it saves.
      #define LANE_SAVED      ((size_t)\(lanes.savedBytes))
      #define LANE_SCRATCH    ((size_t)\(lanes.scratchBytes))
      """
  }
}
