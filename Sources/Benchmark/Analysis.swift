import Codegen
import GraphIR
import Planning

/// Times and a plan's costs as the numbers of a report.
struct Analysis {
  private let plan: Plan
  private let profiled: ProfiledModel
  private let rates: MachineRates
  private var graph: Graph { plan.graph }

  init(_ subject: MeasuredLibrary, _ rates: MachineRates) {
    plan = subject.plan
    profiled = subject.profiled
    self.rates = rates
  }

  // MARK: - Totals

  func total(_ work: Work, _ seconds: [Double]) -> BenchmarkReport.Total {
    let flops = productFlops(work)
    let sweep = work == .step ? Double(updateBytes) / (rates.sweep * 1e9) : 0
    let limit = max(Double(flops) / (rates.peak * 1e9) + sweep, readSeconds(work))
    return .init(
      work: work, runs: seconds.count, median: seconds.median * 1e3,
      minimum: (seconds.min() ?? 0) * 1e3, limit: limit * 1e3, productFlops: flops,
      timesLimit: limit > 0 ? seconds.median / limit : 0)
  }

  private func productFlops(_ work: Work) -> Int {
    let forward = graph.cost(.forward).productFlops
    return switch work {
    case .step: forward + graph.cost(.backward).productFlops
    case .evaluation, .evaluationSideBySide: forward
    case .generation: CallCost.productFlopsOfOneWindow(of: graph)
    case .cachedGeneration: forward / max(graph.batch.size * graph.context.size, 1)
    }
  }

  /// What one token takes at least to read its parameters, where it comes alone.
  private func readSeconds(_ work: Work) -> Double {
    if work != .cachedGeneration { return 0 }
    let isInCache = plan.memory.parameters <= CallCost.cacheBytes
    let bandwidth = isInCache ? rates.cache : rates.memory
    return Double(plan.activeBytes) / (bandwidth * 1e9)
  }

  /// What AdamW must move at least for all parameters.
  private var updateBytes: Int { Self.updateBytes(plan.parameters) }

  /// Of those that backward does not update.
  private var sweptBytes: Int { Self.updateBytes(plan.parameters.filter { $0.update == .adamW }) }

  /// AdamW reads value, gradient and both moments, and writes all but the gradient.
  private static func updateBytes(_ parameters: [PlannedParameter]) -> Int {
    parameters.reduce(0) { sum, parameter in
      guard let gradient = parameter.gradient else { return sum }
      let changed = ([parameter.master] + parameter.moments).reduce(0) { $0 + $1.contentBytes }
      return sum + 2 * changed + gradient.contentBytes
    }
  }

  // MARK: - Profiles

  func profile(_ work: Work, _ recordings: [Recording]) -> BenchmarkReport.Profile {
    let kept = Self.fasterHalf(recordings)
    let whole = kept.reduce(0) { $0 + $1.seconds } / Double(max(kept.count, 1))
    let sums = siteSums(work, kept)
    let rows = sums.map { site, sum in row(site, sum.cost(of: whole)) }
    let inCalls = sums.reduce(0) { $0 + $1.sum.seconds }
    return .init(
      work: work, runs: recordings.count, time: whole * 1e3, betweenCalls: (whole - inCalls) * 1e3,
      calls: rows, kernels: groups(sums, whole) { row($0, $1).kernel },
      parts: groups(sums, whole) { part(row($0, $1)) })
  }

  /// Means of these add up, unlike medians, and are not those of runs that something disturbed.
  private static func fasterHalf(_ recordings: [Recording]) -> [Recording] {
    Array(recordings.sorted { $0.seconds < $1.seconds }.prefix((recordings.count + 1) / 2))
  }

  /// For each site that was reached, the mean over the runs.
  private func siteSums(
    _ work: Work, _ recordings: [Recording]
  ) -> [(site: Int, sum: CostSum)] {
    var sums: [Int: CostSum] = [:]
    for event in recordings.flatMap(\.events) {
      let site = event.site
      sums[site, default: CostSum()] += sum(of: site, work, seconds: event.seconds)
    }
    let count = max(recordings.count, 1)
    return sums.sorted { $0.key < $1.key }.map { site, sum in
      var mean = sum
      mean.calls /= count
      mean.flops /= count
      mean.bytes /= count
      mean.seconds /= Double(count)
      mean.arithmeticSeconds /= Double(count)
      mean.transferSeconds /= Double(count)
      mean.leastSeconds /= Double(count)
      return (site, mean)
    }
  }

  private func sum(of site: Int, _ work: Work, seconds: Double) -> CostSum {
    guard let call = call(site) else {
      let least = Double(sweptBytes) / (rates.sweep * 1e9)
      return CostSum(
        calls: 1, seconds: seconds, bytes: sweptBytes, transferSeconds: least, leastSeconds: least)
    }
    let cost = cost(of: call, at: site, work)
    let bandwidth = cost.bytes <= CallCost.cacheBytes ? rates.cache : rates.memory
    // A gradient that is an update too has the whole of AdamW's limit on top of its own.
    let update = work == .step ? updateSeconds(call, site) : 0
    return CostSum(
      calls: 1, seconds: seconds, flops: cost.flops, bytes: cost.bytes,
      arithmeticSeconds: Double(cost.flops) / (rates.peak * 1e9),
      transferSeconds: Double(cost.bytes) / (bandwidth * 1e9),
      leastSeconds: cost.leastSeconds(rates) + update)
  }

  /// Of a text that is continued no loss is asked for, and where the head can do so it makes the logits of the last
  /// token alone.
  private func cost(of call: Call, at site: Int, _ work: Work) -> CallCost {
    switch work {
    case .step, .evaluation, .evaluationSideBySide:
      return call.purpose == .logits ? .none : CallCost(call)
    case .generation, .cachedGeneration:
      if call.purpose == .loss || call.op?.kind == .crossEntropy { return .none }
      let isOfHead = plan.head?.layer == profiled.sites[site].layer
      return work == .cachedGeneration || isOfHead
        ? .ofOneToken(call, of: graph) : .ofOneSequence(call, of: graph)
    }
  }

  /// The sweep's time for the weights that a call updates.
  private func updateSeconds(_ call: Call, _ site: Int) -> Double {
    guard let weights = call.updates else { return 0 }
    let layer = profiled.sites[site].layer
    guard let use = plan.uses.first(where: { $0.layer == layer }) else { return 0 }
    let parameters = weights.map { plan.parameters[use.firstParameter + $0] }
    return Double(Self.updateBytes(parameters)) / (rates.sweep * 1e9)
  }

  /// The plan's call at a site; nil for the optimizer's.
  private func call(_ site: Int) -> Call? {
    guard profiled.sites.indices.contains(site) else { return nil }
    let place = profiled.sites[site]
    let layer = plan.layers[place.layer]
    return place.phase == .forward ? layer.forward[place.call] : layer.backward[place.call]
  }

  private func row(_ site: Int, _ cost: BenchmarkReport.Cost) -> BenchmarkReport.Row {
    guard let call = call(site) else {
      return .init(
        kernel: "adamw", layer: "update", phase: "update", scope: "", result: "", file: "adamw.c",
        line: profiled.updateLine, source: nil, cost: cost)
    }
    let place = profiled.sites[site]
    return .init(
      kernel: place.kernel, layer: plan.layers[place.layer].name, phase: place.phase.rawValue,
      scope: call.scope, result: call.results.first?.name ?? "",
      file: place.file, line: place.line,
      source: call.location.map { "\($0.file):\($0.line)" }, cost: cost)
  }

  // MARK: - Groups

  private func groups(
    _ sums: [(site: Int, sum: CostSum)], _ whole: Double,
    by name: (Int, BenchmarkReport.Cost) -> String
  ) -> [BenchmarkReport.Group] {
    var groups: [String: CostSum] = [:]
    for (site, sum) in sums { groups[name(site, sum.cost(of: whole)), default: CostSum()] += sum }
    return groups.sorted { ($1.value.seconds, $0.key) < ($0.value.seconds, $1.key) }
      .map { .init(name: $0.key, cost: $0.value.cost(of: whole)) }
  }

  /// `block attention backward`: the layer, the first scope below it, the phase.
  private func part(_ row: BenchmarkReport.Row) -> String {
    if row.phase == "update" { return "update" }
    let scope = scopes.filter { row.scope == $0 || row.scope.hasPrefix($0 + "_") }
      .max { $0.count < $1.count }
    return ([row.layer] + (scope.map { [$0] } ?? []) + [row.phase]).joined(separator: " ")
  }

  /// The first scopes below the layers', as the plan writes them.
  private var scopes: Set<String> {
    Set(
      graph.nodes.compactMap { node in
        let parts = (node.layer?.local(node.scope) ?? node.scope[...]).split(separator: ".")
        return parts.count > (node.layer == nil ? 1 : 0) ? String(parts[0]) : nil
      })
  }
}
