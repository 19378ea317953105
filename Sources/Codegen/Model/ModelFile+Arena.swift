import GraphIR
import Planning

/// Where everything lies in the memory of a model.
extension ModelFile {
  var layersStruct: String {
    let uses = layouts.map { layout in
      "    \(layout.layer.name)_use \(layout.layer.name)[\(layout.uses.count)];"
    }
    let scratch = layouts.filter(\.hasScratch).map { layout in
      "    \(layout.layer.name)_scratch \(layout.layer.name)_t;"
    }
    return
      (["// The uses of all layers, and what each overwrites.", "struct model_layers {"] + uses
      + scratch + ["};"]).joined(separator: "\n")
  }

  var arena: String {
    let (regions, lanes) = (plan.regions, plan.lanes)
    let next =
      context.hasStates ? "\n#define ARENA_NEXT      ((size_t)\(regions[.nextStates]))" : ""
    return """
      // Places in the arena, in bytes from its start.
      #define ARENA_GRADIENTS ((size_t)\(regions[.gradients]))
      #define ARENA_FIRST     ((size_t)\(regions[.firstMoments]))
      #define ARENA_SECOND    ((size_t)\(regions[.secondMoments]))
      #define ARENA_STEPS     ((size_t)\(regions[.steps]))\(next)
      #define ARENA_SCRATCH   ((size_t)\(regions[.scratch]))
      #define ARENA_TOKENS    ((size_t)\(regions[.tokens]))
      #define ARENA_TARGETS   ((size_t)\(regions[.targets]))
      #define ARENA_POSITIONS ((size_t)\(regions[.positions]))
      #define ARENA_BYTES     ((size_t)\(regions.total))

      // From lane to lane, in bytes. All that evaluation writes lies in one of them; where the others are,
      // training keeps what it saves.
      #define LANE_SAVED      ((size_t)\(lanes.savedBytes))
      #define LANE_SCRATCH    ((size_t)\(lanes.scratchBytes))

      const model_memory model_sizes = {
          .arena = ARENA_BYTES, .layers = sizeof(struct model_layers), .trained = ARENA_SCRATCH,
          .gradients = (ARENA_FIRST - ARENA_GRADIENTS) / sizeof(float), .range = \(plan.largestRange),
          .blocks = \(plan.ranges.map(\.blocks).max() ?? 0),
          .states = \(regions.bytes(of: .nextStates) / Element.f32.bytes), .moments = ARENA_FIRST, .steps = ARENA_STEPS, .lanes = \(lanes.count),
      };
      """
  }
}
