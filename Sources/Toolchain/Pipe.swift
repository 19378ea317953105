import Foundation

/// A pipe whose ends no other child inherits; the numbers of both ends are above 2 and the extra
/// descriptor's, so that moving one of them never overwrites another.
final class Pipe {
  let readEnd: Int32
  let writeEnd: Int32
  private var readEndIsOpen = true
  private var writeEndIsOpen = true

  private init(readEnd: Int32, writeEnd: Int32) {
    self.readEnd = readEnd
    self.writeEnd = writeEnd
  }

  /// A fresh pipe; `program` is only named in the error.
  static func make(for program: String) throws(ToolchainError) -> Pipe {
    // Another thread's child must not take an end with it: a watcher would wait for that child.
    SpawnActions.lock.lock()
    defer { SpawnActions.lock.unlock() }
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw .cannotStart(program: program, code: errno)
    }
    let moved = ends.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
    ends.forEach { _ = Foundation.close($0) }
    guard moved.allSatisfy({ $0 >= 0 }) else {
      for end in moved where end >= 0 { _ = Foundation.close(end) }
      throw .cannotStart(program: program, code: EMFILE)
    }
    return Pipe(readEnd: moved[0], writeEnd: moved[1])
  }

  func closeReadEnd() {
    if readEndIsOpen { _ = Foundation.close(readEnd) }
    readEndIsOpen = false
  }

  func closeWriteEnd() {
    if writeEndIsOpen { _ = Foundation.close(writeEnd) }
    writeEndIsOpen = false
  }

  func close() {
    closeWriteEnd()
    closeReadEnd()
  }

  /// Reads all pipes at once until every writer is gone; nil if the time is over before.
  static func readToEnd(_ pipes: [Pipe], _ stopwatch: inout Stopwatch) -> [Data]? {
    var texts = pipes.map { _ in Data() }
    var polls = pipes.map { pollfd(fd: $0.readEnd, events: Int16(POLLIN), revents: 0) }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while polls.contains(where: { $0.fd >= 0 }) {
      if poll(&polls, nfds_t(polls.count), stopwatch.patience) < 0 && errno != EINTR { break }
      if stopwatch.isOver { return nil }
      stopwatch.tick()
      for index in polls.indices where polls[index].fd >= 0 && polls[index].revents != 0 {
        let count = read(polls[index].fd, &buffer, buffer.count)
        if count > 0 { texts[index].append(contentsOf: buffer[..<count]) }
        if count == 0 || (count < 0 && errno != EINTR) { polls[index].fd = -1 }
      }
    }
    return texts
  }
}
