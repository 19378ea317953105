import Foundation
import ModelRuntime

/// How text is drawn from a model.
public struct GenerationSettings: Equatable, Sendable {
  /// How many tokens to write: characters, or parts of words.
  public var tokens = 500
  /// Logits are divided by it; 1 leaves them alone, 0 always takes the likeliest token.
  public var temperature = 1.0
  /// Only the likeliest so many tokens are drawn from; nil draws from all.
  public var topK: Int?
  /// Only the likeliest characters are drawn from that hold this much probability together.
  public var topP: Double?
  /// Generation ends before one of these appears in the new text.
  public var stops: [String] = []
  public var seed: UInt64 = RandomStream.usualSeed
  /// What becomes of a text that is longer than the model sees at once.
  public var whenFull = WhenFull.window

  /// What may become of it.
  public enum WhenFull: String, Sendable, CaseIterable {
    /// The last tokens are seen, as many as fit; each new one takes a pass over all of them.
    case window
    /// The newer half is read again, and what follows goes on from there token by token.
    case half
    /// The text ends.
    case stop
  }

  public init() {}
}

/// Writes text one token at a time.
public struct TextGenerator {
  public let model: Model
  public let coding: TextCoding
  public let settings: GenerationSettings

  public init(model: Model, coding: TextCoding, settings: GenerationSettings) {
    self.model = model
    self.coding = coding
    self.settings = settings
  }

  /// Continues `prompt`, or starts after token 0 without one (after a line's end with a
  /// tokenizer); `write` gets each piece of text as it is there, the prompt first. A piece is
  /// whole characters, so a token that only begins one comes with those that end it. Ends early
  /// before a stop text, or when `isInterrupted`; `whenFull` is called when the context is full.
  ///
  /// Errors: characters outside the vocabulary, logits that are not finite.
  public func generate(
    prompt: String = "", isInterrupted: () -> Bool = { false }, whenFull: () -> Void = {},
    write: (String) throws -> Void
  ) throws {
    var isFull = false
    var filter = StopFilter(settings.stops)
    var tokens = try coding.prompt(prompt)
    if !prompt.isEmpty { try write(prompt) }
    if tokens.isEmpty { tokens = [coding.start] }
    var writer = coding.writer()
    var stream = RandomStream(seed: settings.seed, .generation)
    for position in 0..<settings.tokens where !filter.isFinished && !isInterrupted() {
      if tokens.count > model.manifest.context, !isFull {
        isFull = true
        whenFull()
      }
      guard let seen = seen(tokens) else { break }
      tokens = seen
      let noise = RandomStream.seed(settings.seed, .generationNoise, index: position)
      let logits = try model.next(tokens: tokens, seed: noise)
      try model.requireFinite(logits, "logits")
      let next = try sample(logits, at: stream.nextUnit())
      tokens.append(Int32(next))
      let text = filter.take(writer.append(Int32(next)))
      if !text.isEmpty { try write(text) }
    }
    let rest = filter.take(writer.finish()) + filter.rest()
    if !rest.isEmpty { try write(rest) }
  }

  /// The tokens that the next one is drawn after; nil where the text is to end.
  private func seen(_ tokens: [Int32]) -> [Int32]? {
    let context = model.manifest.context
    if tokens.count <= context { return tokens }
    switch settings.whenFull {
    case .window: return tokens.suffix(context)
    case .half: return tokens.suffix(max(context / 2, 1))
    case .stop: return nil
    }
  }

  /// The same as one text.
  public func generate(prompt: String = "") throws -> String {
    var text = ""
    try generate(prompt: prompt) { text += $0 }
    return text
  }

  /// One token drawn from logits, as the settings say.
  func sample(_ logits: some Collection<Float>, at point: Double) throws -> Int {
    try TokenSampler(settings).token(logits, count: coding.count, at: point)
  }
}
