import Foundation
import Words

/// A loss as it is printed: `2.7351`.
func fourDecimals(_ value: Double) -> String { String(format: "%.4f", value) }

/// A factor as it is printed: `1.62`.
func twoDecimals(_ value: Double) -> String { String(format: "%.2f", value) }

/// A share of 1 as it is printed: `3.1 %`.
func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

/// A large number with the prefix of its unit: `3.21 G`.
func magnitude(_ number: Double) -> String {
  for (factor, prefix) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")] where number >= factor {
    return String(format: "%.2f ", number / factor) + prefix
  }
  return String(format: "%.0f ", number)
}

/// Bytes in the unit that suits them: `137.3 MB`.
func megabytes(_ bytes: Int) -> String {
  bytes < 100_000
    ? "\(bytes.grouped) bytes" : String(format: "%.1f MB", Double(bytes) / 1_000_000)
}

/// A time as a person says it: `45 s`, `3 min 20 s`, `2 h 5 min`.
func duration(_ seconds: Double) -> String {
  // A guess of years or worse is no guess; it also keeps the conversion below from trapping.
  guard seconds.isFinite, seconds < 1e9 else { return "long" }
  let whole = Int(max(0, seconds).rounded())
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}
