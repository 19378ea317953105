import Foundation

/// A terminal behind a descriptor.
public enum Terminal {
  /// Its columns; nil where there is none. One that does not tell has 80.
  public static func columns(_ descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    let isKnown = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 1
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Whether a line of it can be written over: it is one, and understands more than text.
  public static func canRewrite(_ descriptor: Int32) -> Bool {
    isatty(descriptor) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }
}
