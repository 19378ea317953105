import Foundation

/// A program that works beside this process: lines go to its standard input and come from its standard
/// output. It ends with moec, whatever ends that; see `Watcher`.
///
/// One thread writes and reads at a time.
public final class Companion: @unchecked Sendable {
  /// What there is to read.
  public enum Reading: Equatable, Sendable {
    case line(String)
    /// Nothing came for as long as was waited.
    case nothing
    /// The program has closed its output.
    case end
  }

  private let input: Pipe
  private let output: Pipe
  private let watcher: Watcher
  private let child: pid_t
  private var buffer: [UInt8] = []
  private var isAtEnd = false
  private var status: Int32?

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - executable: its path, or a name that is looked for on `PATH`.
  ///   - errors: the descriptor that its standard error goes to; nil: moec's own.
  /// - Throws: `ToolchainError.cannotStart`.
  public init(
    _ executable: String, _ arguments: [String], environment: [String: String] = [:],
    errors: Int32? = nil
  ) throws(ToolchainError) {
    guard
      let path = executable.contains("/")
        ? executable : SearchPath.standard.first(named: executable)
    else { throw .cannotStart(program: executable, code: ENOENT) }
    input = try Pipe.make(for: path)
    output = try Pipe.make(for: path)
    watcher = try Watcher(for: path)
    let actions = SpawnActions(group: watcher.group)
    defer { actions.destroy() }
    actions.move(input.readEnd, to: 0)
    actions.move(output.writeEnd, to: 1)
    if let errors { actions.move(errors, to: 2) }
    do {
      child = try actions.spawn(path, [path] + arguments, environment: environment)
    } catch {
      watcher.dismiss()
      input.close()
      output.close()
      throw error
    }
    input.closeReadEnd()
    output.closeWriteEnd()
  }

  deinit { end() }

  /// Writes a line; false if the program takes none any more. A process that writes to programs that may
  /// be gone ignores SIGPIPE.
  public func write(_ line: String) -> Bool {
    let bytes = Array((line + "\n").utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Foundation.write(input.writeEnd, $0.baseAddress, $0.count)
      }
      if count > 0 { done += count } else if count == 0 || errno != EINTR { return false }
    }
    return true
  }

  /// The next line, waited for as many seconds, or without an end.
  public func read(seconds: Double? = nil) -> Reading {
    let limit = seconds.map { Stopwatch.now + $0 }
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeSubrange(...end)
        return .line(line)
      }
      if isAtEnd { return .end }
      let patience = limit.map {
        Int32(clamping: Int((max(0, $0 - Stopwatch.now) * 1000).rounded(.up)))
      }
      var polled = pollfd(fd: output.readEnd, events: Int16(POLLIN), revents: 0)
      let ready = poll(&polled, 1, patience ?? -1)
      if ready == 0 { return .nothing }
      if ready < 0 {
        if errno == EINTR { return .nothing }
        isAtEnd = true
        continue
      }
      take()
    }
  }

  private func take() {
    var block = [UInt8](repeating: 0, count: 65_536)
    let count = Foundation.read(output.readEnd, &block, block.count)
    if count > 0 {
      buffer += block[..<count]
    } else if count == 0 || errno != EINTR {
      isAtEnd = true
    }
  }

  /// Waits for the program to end by itself: its exit status, or 128 + the signal that ended it.
  public func wait() -> Int32 {
    if let status { return status }
    input.closeWriteEnd()
    let status = Subprocess.wait(for: child)
    self.status = status
    watcher.dismiss()
    output.close()
    return status
  }

  /// Asks the program to end by itself.
  public func interrupt() {
    if status == nil { kill(child, SIGTERM) }
  }

  /// Ends the program and all that it started.
  public func end() {
    guard status == nil else { return }
    watcher.endGroup()
    _ = wait()
  }
}
