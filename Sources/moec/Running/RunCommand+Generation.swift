import ArgumentParser
import Driver
import Foundation
import Ranks
import Runner
import SystemFiles
import Words

extension RunCommand {
  /// All ranks write the same text, with the experts of each; the first one prints it.
  func generate(_ ranks: Ranks) throws {
    var options = options
    options.text = .vocabulary
    options.ranks = ranks
    options.usualThreads = usualThreads(of: ranks)
    let session = try open(options)
    noteUntrained()
    if generation.interactive {
      if ranks.count == 1 { return try converse(session) }
      throw CompilationError(
        message: "--interactive is for one process, and this is one of \(ranks.count)",
        hint: "give the text with --prompt")
    }
    let show = { (text: String) in if ranks.isFirst { try printNow(text) } }
    for index in 0..<(generation.repeats ?? 1) {
      let settings = settings(at: index)
      if let count = generation.repeats, count > 1 {
        try show("=== \(index + 1) of \(count), seed \(settings.seed)\n")
      }
      try session.generate(
        prompt: generation.prompt ?? "", settings, whenFull: { if ranks.isFirst { sayFull(session) } }, write: show)
      try show("\n")
    }
  }

  /// A prompt, a text, and so on until the input ends. Ctrl-C ends a text, and while a prompt is
  /// waited for, the command.
  private func converse(_ session: Session) throws {
    Interruption.watch()
    let input = PromptReader(isShown: !quiet)
    if input.isShown {
      tell("type a text to continue; Ctrl-C ends a text, and here, as Ctrl-D, leaves")
    }
    var index = 0
    if let prompt = generation.prompt { try answer(prompt, session, &index) }
    while let prompt = input.next() {
      try answer(prompt, session, &index)
    }
  }

  private func answer(_ prompt: String, _ session: Session, _ index: inout Int) throws {
    do {
      try session.generate(
        prompt: prompt, settings(at: index), isInterrupted: { Interruption.signal != nil },
        whenFull: { sayFull(session) }
      ) { try printNow($0) }
      try printNow("\n")
      index += 1
    } catch let error as VocabularyError {
      printToStandardError("error: \(error.message)")
    }
    // A request of the system to end stays; Ctrl-C was for this text.
    if Interruption.signal == SIGINT { Interruption.forget() }
  }

  /// What was chosen for a full context is said where it is not the usual way.
  private func sayFull(_ session: Session) {
    let context = session.model.manifest.context.grouped
    switch generation.whenFull {
    case .stop: tell("note: the context of \(context) tokens is full, and the text ends")
    case .half: tell("note: the context of \(context) tokens is full: the newer half is read again")
    case .window, nil: break
    }
  }

  /// Each text has its own seed, so that the third of four can be had alone.
  private func settings(at index: Int) -> GenerationSettings {
    var settings = GenerationSettings()
    settings.seed = (seed ?? settings.seed) &+ UInt64(index)
    settings.tokens = generation.tokens ?? settings.tokens
    settings.temperature = generation.temperature ?? settings.temperature
    settings.topK = generation.topK
    settings.topP = generation.topP
    settings.stops = generation.stops
    settings.whenFull = generation.whenFull ?? settings.whenFull
    return settings
  }
}

/// Lines of standard input; a terminal shows `> ` before each.
final class PromptReader {
  private var bytes: [UInt8] = []
  private var isAtEnd = false
  private var isFirst = true
  let isShown: Bool
  private let editor: LineEditor?

  init(isShown: Bool) {
    self.isShown = isShown && isatty(STDIN_FILENO) == 1
    editor = self.isShown ? LineEditor() : nil
  }

  /// The next line that is not empty, without the carriage return of Windows' line ends and the
  /// byte-order mark that a file may begin with; nil at the end of the input or when interrupted.
  func next() -> String? {
    while true {
      if isShown, editor == nil, bytes.isEmpty { try? printNow("> ") }
      guard let line = PromptInterruption.leaving(nextLine) else {
        if isShown { try? printNow("\n") }
        return nil
      }
      if !line.isEmpty { return line }
    }
  }

  private func nextLine() -> String? {
    if let editor { return editor.line(prompt: "> ") }
    return line()
  }

  private func line() -> String? {
    // A long line comes in many pieces: each is looked through once.
    var searched = 0
    while true {
      if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { bytes.removeFirst(end + 1) }
        return prompt(bytes[..<end])
      }
      searched = bytes.count
      if isAtEnd || !fill() {
        defer { bytes = [] }
        return bytes.isEmpty || Interruption.signal != nil ? nil : prompt(bytes[...])
      }
    }
  }

  private func prompt(_ line: ArraySlice<UInt8>) -> String {
    var line = isFirst ? line.dropFirst(TextBytes.markLength(line)) : line
    isFirst = false
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    return String(decoding: line, as: UTF8.self)
  }

  /// Waits for more input; false at its end and when interrupted.
  private func fill() -> Bool {
    var wanted = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
    guard Interruption.signal == nil, poll(&wanted, 1, -1) > 0 else { return false }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(STDIN_FILENO, &buffer, buffer.count)
    isAtEnd = count <= 0
    bytes += buffer.prefix(max(0, count))
    return count > 0
  }
}
