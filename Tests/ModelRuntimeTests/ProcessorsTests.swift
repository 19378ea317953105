import Foundation
import ModelFixtures
import Testing

@testable import ModelRuntime

/// How many threads there are where none are asked for.
@Suite struct ProcessorsTests {
  /// A tree of files as the system shows them, of a machine with 64 processors.
  private func processors(
    _ files: [String: String], _ environment: [String: String] = [:]
  ) throws -> Processors {
    let root = try ModelFixture.folder()
    for (path, text) in files {
      let file = URL(fileURLWithPath: root + path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data((text + "\n").utf8).write(to: file)
    }
    return Processors(root: root, environment: environment, processors: 64)
  }

  private let unified = [
    "/proc/self/cgroup": "0::/jobs/7",
    "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw",
  ]
  private let divided = [
    "/proc/self/cgroup": "12:pids:/\n4:cpu,cpuacct:/jobs/7\n1:name=systemd:/\n0::/",
    "/proc/self/mountinfo": """
    31 23 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
    32 23 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
    33 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
    """,
  ]

  @Test(arguments: [
    ("0-63", 64), ("3", 1), ("0-3,8", 5), ("0,2,4-5", 4), ("", 64), ("words", 64),
  ])
  func theAffinityMaskIsRespected(list: String, count: Int) throws {
    let files = ["/proc/self/status": "Name:\tmoec\nCpus_allowed:\tff\nCpus_allowed_list:\t\(list)"]
    #expect(try processors(files).usualThreads == count)
  }

  @Test func onlyWhatOpenMPCannotReadIsMended() throws {
    func mended(_ value: String) throws -> [String: String] {
      try processors([:], ["OMP_NUM_THREADS": value, "OMP_THREAD_LIMIT": value]).mendedVariables
        .filter { $0.key.hasPrefix("OMP_") }
    }
    for sound in ["1", "4,2", " 8 ", "4096"] { #expect(try mended(sound) == [:]) }
    #expect(try mended("4,x") == ["OMP_NUM_THREADS": "4", "OMP_THREAD_LIMIT": "4096"])
    for odd in ["", "0", "-1", "abc", "99999999999"] {
      #expect(try mended(odd) == ["OMP_NUM_THREADS": "64", "OMP_THREAD_LIMIT": "4096"])
    }
  }

  /// With less, a thread's first kernel wrote beyond its stack, and the process was gone without a word.
  @Test func stacksAreLargeEnoughForKernels() throws {
    func mended(_ name: String, _ value: String) throws -> String? {
      try processors([:], [name: value]).mendedVariables[name]
    }
    for name in ["OMP_STACKSIZE", "GOMP_STACKSIZE", "KMP_STACKSIZE"] {
      for odd in ["1", "64k", " 16 K", "2000b", "900G", "0"] {
        #expect(try mended(name, odd) == "8M", "\(odd)")
      }
      for sound in ["2M", "1g", "", "abc", "3000000B"] {
        #expect(try mended(name, sound) == nil, "\(sound)")
      }
    }
    #expect(try mended("OMP_STACKSIZE", "4096") == nil)
    #expect(try mended("KMP_STACKSIZE", "4096") == "8M")
  }

  /// With gcc's own patience a token took 10 times as long beside another program.
  @Test func threadsDoNotSpinForLong() throws {
    func patience(_ environment: [String: String]) throws -> String? {
      try processors([:], environment).mendedVariables["GOMP_SPINCOUNT"]
    }
    #expect(try patience([:]) == "3000")
    for name in ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"] {
      #expect(try patience([name: "active"]) == nil)
    }
  }

  @Test(arguments: [
    ("200000 100000", 2), ("150000 100000", 1), ("50000 100000", 1), ("max 100000", 64),
    ("9900000 100000", 64), ("nonsense", 64),
  ])
  func theQuotaOfAGroupIsRespected(text: String, count: Int) throws {
    for folder in ["/sys/fs/cgroup/jobs/7", "/sys/fs/cgroup/jobs"] {
      let files = unified.merging([folder + "/cpu.max": text]) { $1 }
      #expect(try processors(files).allowed == count)
    }
  }

  @Test(arguments: [("300000", 3), ("-1", 64), ("99999", 1)])
  func theQuotaOfTheFirstVersionToo(quota: String, count: Int) throws {
    for folder in ["/jobs/7", "/jobs", ""] {
      let place = "/sys/fs/cgroup/cpu,cpuacct" + folder
      let files = divided.merging([
        place + "/cpu.cfs_quota_us": quota, place + "/cpu.cfs_period_us": "100000",
      ]) { $1 }
      #expect(try processors(files).allowed == count)
    }
  }

  /// The mount may begin within the group, and shows then the container's own quota.
  @Test func aContainersQuotaIsRespected() throws {
    let files = [
      "/proc/self/cgroup": "0::/docker/abc",
      "/proc/self/mountinfo": "9 8 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw",
      "/sys/fs/cgroup/cpu.max": "400000 100000",
    ]
    #expect(try processors(files).usualThreads == 4)
  }

  @Test(arguments: [
    (["OMP_NUM_THREADS": "3"], 3), (["OMP_NUM_THREADS": "4,2"], 4),
    (["OMP_NUM_THREADS": "100"], 64), (["OMP_NUM_THREADS": "0"], 64),
    (["OMP_NUM_THREADS": "many"], 64), (["OMP_THREAD_LIMIT": "5"], 5),
    (["OMP_NUM_THREADS": "6", "OMP_THREAD_LIMIT": "5"], 5),
  ])
  func whatOpenMPIsToldIsRespected(environment: [String: String], count: Int) throws {
    #expect(try processors([:], environment).usualThreads == count)
    #expect(try processors([:], environment).allowed == 64)
  }
}
