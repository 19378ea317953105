import Foundation

/// How many processors this process may use: those of its affinity mask, and no more than the share of
/// time that its control groups have.
public struct Processors: Sendable {
  /// The affinity mask's.
  private let mask: Int
  /// What the tree of files below `/` says; tests have one of their own.
  private let root: String
  private let environment: [String: String]

  init(
    root: String = "", environment: [String: String],
    processors: Int = ProcessInfo.processInfo.activeProcessorCount
  ) {
    (self.root, self.environment) = (root, environment)
    mask = Processors.maskCount(root) ?? processors
  }

  /// As it is now; a library that binds threads may change the mask of the one that loads it.
  public static var current: Processors {
    Processors(environment: ProcessInfo.processInfo.environment)
  }

  /// What may be used, at least 1.
  public var allowed: Int {
    // Half a processor's time is no use to a second thread.
    let quota = quotas.min().map { Int(min($0, 1e6)) } ?? .max
    return max(1, min(mask, quota))
  }

  /// Threads where none are asked for: what is allowed, or less where `OMP_NUM_THREADS` or
  /// `OMP_THREAD_LIMIT` say so.
  public var usualThreads: Int {
    let wanted = ["OMP_NUM_THREADS", "OMP_THREAD_LIMIT"].compactMap { name in
      // One number for each level of nesting; the first is the outermost.
      environment[name]?.split(separator: ",").first.flatMap {
        Int($0.trimmingCharacters(in: .whitespaces))
      }
    }
    return wanted.filter { $0 > 0 }.reduce(allowed, min)
  }

  /// What OpenMP's own variables are to say instead of what would end, hang or slow the process: its
  /// runtimes end or hang over counts that are empty, as after `=$SLURM_CPUS_PER_TASK` outside of
  /// Slurm, no numbers, or beyond all bounds; and over stacks that are too small for a kernel's tiles, or for
  /// which there is no memory.
  var mendedVariables: [String: String] {
    var mended: [String: String] = [:]
    if environment["OMP_WAIT_POLICY"] == nil, environment["GOMP_SPINCOUNT"] == nil {
      mended["GOMP_SPINCOUNT"] = Self.patience
    }
    for (name, unit) in [("OMP_STACKSIZE", 1024), ("GOMP_STACKSIZE", 1024), ("KMP_STACKSIZE", 1)] {
      if let size = environment[name].flatMap({ Self.bytes($0, unit: unit) }),
        !(0x1p20...0x1p34).contains(size)
      {
        mended[name] = "8M"
      }
    }
    for name in ["OMP_NUM_THREADS", "OMP_THREAD_LIMIT"] {
      guard let value = environment[name] else { continue }
      let counts = value.split(separator: ",", omittingEmptySubsequences: false).map {
        Int($0.trimmingCharacters(in: .whitespaces)) ?? 0
      }
      if counts.contains(where: { !(1...Self.mostThreads).contains($0) }) {
        mended[name] = "\(name == "OMP_NUM_THREADS" ? usualThreads : Self.mostThreads)"
      }
    }
    return mended
  }

  /// The size that `64k` or `2 G` stands for, as OpenMP writes them; nil if it would not read it either.
  private static func bytes(_ text: String, unit: Int) -> Double? {
    let word = text.filter { $0 != " " }.lowercased()
    let digits = word.prefix(while: \.isNumber)
    let units = ["": Double(unit), "b": 1, "k": 0x1p10, "m": 0x1p20, "g": 0x1p30, "t": 0x1p40]
    guard let number = Double(digits), let unit = units[String(word.dropFirst(digits.count))]
    else { return nil }
    return number * unit
  }

  /// How often gcc's runtime looks whether a thread may go on before it lets others have the processor. Its
  /// own 300,000 is many times what a layer's call takes: generation took 20 times as long, and beside another
  /// program training twice as long.
  private static let patience = "3000"

  /// As many as a library takes.
  private static let mostThreads = 4096

  /// To be called before OpenMP is loaded, which reads its variables then: with a library, or with what a C
  /// compiler is tried on.
  public static func mendEnvironment() {
    for (name, value) in current.mendedVariables { setenv(name, value, 1) }
  }

  /// To be called before OpenMP is loaded, for models that are too small for their threads: those that wait leave
  /// the processor to others, unless the environment says what they do.
  public static func waitPassively() { setenv("OMP_WAIT_POLICY", "passive", 0) }

  /// `Cpus_allowed_list: 0-3,8`; nil where the system does not tell.
  private static func maskCount(_ root: String) -> Int? {
    let lines = lines(of: root + "/proc/self/status")
    guard let line = lines.first(where: { $0.hasPrefix("Cpus_allowed_list:") }) else { return nil }
    let count = line.dropFirst(18).split(separator: ",").reduce(0) { sum, range in
      let ends = range.split(separator: "-").compactMap {
        Int($0.trimmingCharacters(in: .whitespaces))
      }
      guard let first = ends.first, let last = ends.last, first <= last, last < 1 << 20 else {
        return sum
      }
      return sum + last - first + 1
    }
    return count > 0 ? count : nil
  }
}

// MARK: - Control groups

extension Processors {
  /// Processors' worth of time that this process's control groups have, of both versions.
  private var quotas: [Double] {
    let groups = lines("/proc/self/cgroup").map {
      $0.split(separator: ":", maxSplits: 2).map(String.init)
    }
    return mounts.flatMap { mount in
      let group = groups.first { parts in
        let names = parts.count == 3 ? parts[1].split(separator: ",").map(String.init) : []
        return mount.isUnified ? parts.count == 2 || parts[0] == "0" : names.contains("cpu")
      }
      return folders(of: group?.last ?? "", in: mount).compactMap {
        mount.isUnified ? unifiedQuota($0) : quota($0)
      }
    }
  }

  private struct Mount {
    var root: String
    var point: String
    var isUnified: Bool
  }

  /// Where control groups for processors are to be seen: `… ROOT POINT … - TYPE SOURCE OPTIONS`.
  private var mounts: [Mount] {
    lines("/proc/self/mountinfo").compactMap { line in
      let halves = line.components(separatedBy: " - ")
      guard halves.count == 2 else { return nil }
      let (place, kind) = (halves[0].split(separator: " "), halves[1].split(separator: " "))
      guard place.count > 4, kind.count > 2 else { return nil }
      let isUnified = kind[0] == "cgroup2"
      guard isUnified || kind[0] == "cgroup" && kind[2].split(separator: ",").contains("cpu")
      else { return nil }
      return Mount(root: String(place[3]), point: String(place[4]), isUnified: isUnified)
    }
  }

  /// A group's folder and those around it, whose quotas hold for it too.
  private func folders(of group: String, in mount: Mount) -> [String] {
    // In a container the mount may begin within the group.
    let path = group.hasPrefix(mount.root) ? String(group.dropFirst(mount.root.count)) : ""
    let parts = path.split(separator: "/")
    return (0...parts.count).map { count in
      ([mount.point] + parts.prefix(count).map(String.init)).joined(separator: "/")
    }
  }

  /// `200000 100000`: the time in a period and the period; `max` for no limit.
  private func unifiedQuota(_ folder: String) -> Double? {
    let numbers = lines(folder + "/cpu.max").first?.split(separator: " ").map { Double($0) } ?? []
    guard numbers.count == 2 else { return nil }
    return share(numbers[0], numbers[1])
  }

  private func quota(_ folder: String) -> Double? {
    share(number(folder + "/cpu.cfs_quota_us"), number(folder + "/cpu.cfs_period_us"))
  }

  /// -1 is no limit.
  private func share(_ time: Double?, _ period: Double?) -> Double? {
    guard let time, let period, time > 0, period > 0 else { return nil }
    return time / period
  }

  private func number(_ path: String) -> Double? { lines(path).first.flatMap { Double($0) } }

  private func lines(_ path: String) -> [String] { Processors.lines(of: root + path) }

  private static func lines(of path: String) -> [String] {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").map(String.init)
  }
}
