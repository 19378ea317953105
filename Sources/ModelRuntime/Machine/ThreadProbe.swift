import Foundation

/// Finds out whether threads can be had before OpenMP, which ends the process where they cannot.
enum ThreadProbe {
  /// How many of `count` threads can be there at once, each with its stack and its share of the heap.
  static func startable(_ count: Int) -> Int {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return count }
    var threads: [pthread_t] = []
    for _ in 0..<count {
      guard let thread = start(waitingFor: ends[0]) else { break }
      threads.append(thread)
    }
    // The end of the pipe is what they wait for.
    close(ends[1])
    for thread in threads { pthread_join(thread, nil) }
    close(ends[0])
    return threads.count
  }

  #if canImport(Darwin)
    private typealias Argument = UnsafeMutableRawPointer
  #else
    private typealias Argument = UnsafeMutableRawPointer?
  #endif

  private static func start(waitingFor descriptor: Int32) -> pthread_t? {
    let argument = UnsafeMutableRawPointer(bitPattern: Int(descriptor) + 1)
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let status = pthread_create(&thread, nil, body, argument)
    guard status == 0 else { return nil }
    return thread
  }

  private static let body: @convention(c) (Argument) -> UnsafeMutableRawPointer? = { argument in
    // What a thread takes first reserves much more of the address space.
    free(malloc(64))
    let pointer: UnsafeMutableRawPointer? = argument
    var byte: UInt8 = 0
    _ = read(Int32(Int(bitPattern: pointer) - 1), &byte, 1)
    return nil
  }
}
