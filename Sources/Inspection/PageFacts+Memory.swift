import GraphIR
import Planning

extension PageFacts {
  /// The arena over a training step: its regions, and every buffer's place and life.
  mutating func addMemory(_ plan: Plan) {
    addRuns(plan)
    addRegions(plan.regions)
    let map = MemoryMap(plan, runs: runs)
    for (index, parameter) in plan.parameters.enumerated() {
      // A gradient that other layers begin is there from then on.
      let begun = plan.edges.indices.filter { plan.edges[$0].storage == parameter.gradient }
      let times = Set(map.gradients[index] + begun.flatMap { map.edges[$0] }).sorted()
      addParameter(parameter, touched: map.parameters[index], of: times, plan)
    }
    for (index, use) in plan.uses.enumerated() { addBuffers(of: use, map.saved[index], plan) }
    for (index, edge) in plan.edges.enumerated() where edge.storage.region != .gradients {
      addEdge(edge, map.edges[index], plan)
    }
    for (index, run) in runs.enumerated() { addScratch(of: run, map.scratch[index], plan) }
    addBatch(plan, map)
  }

  private mutating func addRuns(_ plan: Plan) {
    var start = 0
    for phase in [Phase.forward, .backward] {
      for use in phase == .forward ? plan.uses : plan.uses.reversed() {
        let layer = layers[use.layer]
        let calls = phase == .forward ? layer.forward : layer.backward
        runs.append(
          Run(
            name: use.scope.isEmpty ? layer.name : use.scope, layer: use.layer,
            phase: phase.rawValue, start: start, calls: calls))
        start += calls.count
      }
    }
    duration = start + 1
  }

  private mutating func addRegions(_ places: Regions) {
    for region in Planning.Region.allCases where places.bytes(of: region) > 0 {
      let (name, kind) = region.inWords
      let (offset, bytes) = (places[region], places.bytes(of: region))
      if regions.last?.name == name {
        regions[regions.count - 1].bytes += bytes
      } else {
        regions.append(Region(name: name, kind: kind, offset: offset, bytes: bytes))
      }
    }
  }

  private func region(at offset: Int) -> Int {
    regions.lastIndex { $0.offset <= offset } ?? 0
  }

  private mutating func add(
    _ name: String, _ type: TensorType, at offset: Int, _ bytes: Int, life: ClosedRange<Int>,
    touched: [Int]
  ) {
    buffers.append(
      BufferFacts(
        name: name, type: self.type(type), region: region(at: offset), offset: offset,
        bytes: bytes, first: life.lowerBound, last: life.upperBound, touched: touched))
  }

  /// Value, gradient and moments, and what is added up until an update; all but the gradient live as long
  /// as the model.
  private mutating func addParameter(
    _ parameter: PlannedParameter, touched: [Int], of gradient: [Int], _ plan: Plan
  ) {
    let update = duration - 1
    for storage in parameter.storages where storage.region != .steps {
      let isValue = storage.region == .values || storage.region == .working
      let calls = isValue ? touched : storage.region == .gradients ? gradient : []
      let name = storage.region == .values ? "" : "\(storage.region.inWords.name) of "
      add(
        name + parameter.name, parameter.type, at: plan.place(of: storage), storage.storedBytes,
        life: (storage.region == .gradients ? gradient.first ?? 0 : 0)...update,
        touched: calls + (parameter.update == .none ? [] : [update]))
    }
  }

  private mutating func addBuffers(of use: LayerUse, _ touched: [[Int]], _ plan: Plan) {
    let layer = plan.layers[use.layer]
    let owner = use.scope.isEmpty ? layer.name : use.scope
    let (own, offsets) = (plan.own(of: layer), plan.savedOffsets(of: use))
    for (index, buffer) in layer.saved.enumerated() {
      // What others write between forward and backward is made again, and lives twice.
      let isShared = !own.contains(index) && !plan.isLast(use)
      let backward =
        touched[index].firstIndex { $0 >= runs[plan.uses.count].start } ?? touched[index].count
      let lives =
        isShared
        ? [touched[index][..<backward], touched[index][backward...]] : [touched[index][...]]
      for times in lives {
        guard let first = times.first, let last = times.last else { continue }
        add(
          "\(owner) \(buffer.name)", buffer.type, at: plan.regions[.saved] + offsets[index],
          buffer.bytes, life: first...last, touched: Array(times))
      }
    }
  }

  private mutating func addEdge(_ edge: Edge, _ times: [Int], _ plan: Plan) {
    guard let first = times.first, let last = times.last else { return }
    add(
      edge.name, edge.type, at: plan.place(of: edge.storage), edge.bytes, life: first...last,
      touched: times)
  }

  private mutating func addScratch(of run: Run, _ touched: [[Int]], _ plan: Plan) {
    let layer = plan.layers[run.layer]
    let isForward = run.phase == Phase.forward.rawValue
    let buffers = isForward ? layer.forwardScratch : layer.backwardScratch
    for (buffer, times) in zip(buffers, touched) {
      guard let first = times.first, let last = times.last else { continue }
      add(
        "\(run.name) \(run.phase) \(buffer.name)", buffer.type,
        at: plan.place(of: buffer.storage), buffer.bytes, life: first...last, touched: times)
    }
  }

  private mutating func addBatch(_ plan: Plan, _ map: MemoryMap) {
    let batch = TensorType.i32(plan.graph.batch, plan.graph.context)
    let places: [(Input.Kind, TensorType, Int)] = [
      (.tokens, batch, plan.regions[.tokens]), (.targets, batch, plan.regions[.targets]),
      (.positions, .i32(plan.graph.context), plan.regions[.positions]),
    ]
    for (kind, type, offset) in places {
      add(
        kind.rawValue, type, at: offset, type.bytes, life: 0...duration - 1,
        touched: map.sources[kind] ?? [])
    }
  }
}

extension Planning.Region {
  /// What the page calls it, and of what kind it is there.
  fileprivate var inWords: (name: String, kind: String) {
    switch self {
    case .values: ("parameters", "parameters")
    case .working: (rawValue, "parameters")
    case .gradients: (rawValue, "gradients")
    case .firstMoments, .secondMoments: (rawValue, "moments")
    case .steps: ("step counts", "other")
    case .nextStates: (rawValue, "other")
    case .saved: ("saved for backward", "saved")
    case .edgeGradients: ("between layers", "edges")
    case .scratch: (rawValue, "scratch")
    case .tokens, .targets, .positions: ("tokens and targets", "other")
    }
  }
}

/// The times at which calls read or write each buffer, ascending.
struct MemoryMap {
  private(set) var parameters: [[Int]]
  private(set) var gradients: [[Int]]
  private(set) var edges: [[Int]]

  /// By use, then by buffer of its layer.
  private(set) var saved: [[[Int]]]

  /// By run, then by buffer of the run's function.
  private(set) var scratch: [[[Int]]] = []
  private(set) var sources: [Input.Kind: [Int]] = [:]

  init(_ plan: Plan, runs: [PageFacts.Run]) {
    parameters = Array(repeating: [], count: plan.parameters.count)
    gradients = parameters
    edges = Array(repeating: [], count: plan.edges.count)
    saved = plan.uses.map { Array(repeating: [], count: plan.layers[$0.layer].saved.count) }
    for (index, run) in runs.enumerated() {
      let count = plan.uses.count
      let isForward = index < count
      let use = isForward ? index : 2 * count - 1 - index
      let layer = plan.layers[run.layer]
      let buffers = isForward ? layer.forwardScratch : layer.backwardScratch
      scratch.append(Array(repeating: [], count: buffers.count))
      for (number, call) in (isForward ? layer.forward : layer.backward).enumerated() {
        for operand in Set(call.operands) {
          touch(operand.place, plan.uses[use], use, run: index, isForward, at: run.start + number)
        }
      }
    }
  }

  private mutating func touch(
    _ place: Place, _ use: LayerUse, _ index: Int, run: Int, _ isForward: Bool, at time: Int
  ) {
    func add(_ times: inout [Int]) { if times.last != time { times.append(time) } }
    switch place {
    case .source(let kind): add(&sources[kind, default: []])
    case .parameter(let number): add(&parameters[use.firstParameter + number])
    case .gradient(let number): add(&gradients[use.firstParameter + number])
    case .borrowed(let number): add(&parameters[use.borrowed[number]])
    case .saved(let number): add(&saved[index][number])
    case .scratch(let number): add(&scratch[run][number])
    case .argument(let number):
      add(&edges[isForward ? use.forwardEdges[number] : use.backwardEdges[number]])
    }
  }
}
