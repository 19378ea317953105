import SystemFiles
import Words

/// One thing that is wrong with a weights file.
public enum SafetensorsProblem: Equatable, Sendable, CustomStringConvertible {
  // The file itself.
  case tooShort(bytes: Int)
  case headerTooLong(claimed: UInt64, available: Int)
  case headerNotUTF8
  case headerNotJSON(offset: Int, reason: String)
  case badMetadata
  // One tensor.
  case badEntry(name: String, reason: String)
  case unknownType(name: String, type: String)
  case shapeTooLarge(name: String, shape: [Int])
  case wrongSize(name: String, expected: Int, found: Int)
  case outOfRange(name: String, end: Int, available: Int)
  // Tensors together.
  case overlap(String, String)
  case hole(offset: Int, bytes: Int)
  // The file against a model.
  case missing(name: String)
  case unexpected(name: String)
  case wrongType(name: String, expected: Safetensors.DataType, found: Safetensors.DataType)
  case wrongShape(name: String, expected: [Int], found: [Int])
  case badNote(key: String, reason: String)

  public var description: String {
    switch self {
    case .tooShort(let bytes):
      return "it has \(bytes.grouped) bytes, too few for a header"
    case .headerTooLong(let claimed, let available):
      return
        "its header claims \(claimed.grouped) bytes where \(available.grouped) are left or allowed"
    case .headerNotUTF8:
      return "its header is not UTF-8"
    case .headerNotJSON(let offset, let reason):
      return "its header is not as it should be at byte \(offset.grouped): \(reason)"
    case .badMetadata:
      return "its metadata are not pairs of strings"
    case .badEntry(let name, let reason):
      return "\(name): \(reason)"
    case .unknownType(let name, let type):
      return "\(name): the type \(type) is unknown"
    case .shapeTooLarge(let name, let shape):
      return "\(name): the shape \(shape) is too large or no whole number of bytes"
    case .wrongSize(let name, let expected, let found):
      return "\(name): its shape needs \(expected.grouped) bytes and it has \(found.grouped)"
    case .outOfRange(let name, let end, let available):
      return "\(name): it ends at byte \(end.grouped) of \(available.grouped) that are there"
    case .overlap(let first, let second):
      return "\(first) and \(second) overlap"
    case .hole(let offset, let bytes):
      return "\(bytes.grouped) bytes from byte \(offset.grouped) on belong to no tensor"
    case .missing(let name):
      return "\(name) is missing"
    case .unexpected(let name):
      return "\(name) is not in the model"
    case .wrongType(let name, let expected, let found):
      return "\(name) is \(found.rawValue), not \(expected.rawValue)"
    case .wrongShape(let name, let expected, let found):
      return "\(name) has the shape \(found), not \(expected)"
    case .badNote(let key, let reason):
      return "its note '\(key)' \(reason)"
    }
  }
}

extension SafetensorsProblem {
  /// Whether numbers were rounded that going on exactly needs.
  var isOfRoundedTraining: Bool {
    if case .wrongType(_, .f32, let found) = self { return found == .f16 || found == .bf16 }
    return false
  }

  /// Whether the file has a part of an adapter that the model has not.
  var isOfAdapter: Bool {
    if case .unexpected(let name) = self { AdaptedWeights.isPart(name) } else { false }
  }

  /// The tensor that it is about, if it is one.
  var tensor: String? {
    switch self {
    case .missing(let name), .unexpected(let name), .wrongType(let name, _, _),
      .wrongShape(let name, _, _), .badEntry(let name, _), .unknownType(let name, _),
      .shapeTooLarge(let name, _), .wrongSize(let name, _, _), .outOfRange(let name, _, _):
      return name
    case .tooShort, .headerTooLong, .headerNotUTF8, .headerNotJSON, .badMetadata, .overlap, .hole,
      .badNote:
      return nil
    }
  }
}

/// Why a weights file cannot be read or used: everything that was found wrong, not only the first.
public enum SafetensorsError: ExplainedError, Equatable {
  case unreadable(FileError)
  /// The file is damaged or was never a safetensors file.
  case malformed(path: String, [SafetensorsProblem])
  /// The file is sound but is not of this model; `fitting` are the parameters that would do.
  case unfit(path: String, [SafetensorsProblem], fitting: [String] = [])
  /// A tensor holds a number that float32 cannot.
  case beyondRange(path: String, name: String, value: Double)

  public var message: String {
    switch self {
    case .unreadable(let error):
      return error.message
    case .malformed(let path, let problems):
      return "\(path) is not a sound safetensors file: \(list(problems))"
    case .unfit(let path, let problems, let fitting):
      let fits =
        fitting.isEmpty
        ? "no parameter fits" : "\(fitting.count.grouped) fit: \(NameList(fitting).description)"
      return "\(path) does not fit the model: \(folded(problems)); \(fits)"
    case .beyondRange(let path, let name, let value):
      return "\(path): \(name) has the number \(value), which is beyond float32's range"
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error): return error.hint
    case .malformed: return "save it again, or use another copy"
    case .beyondRange: return "moec computes in float32: scale or clip these weights first"
    case .unfit(_, let problems, _):
      if problems.contains(where: \.isOfRoundedTraining) {
        return "--resume goes on exactly and needs F32; start from rounded weights with "
          + "--weights FILE"
      }
      if problems.contains(where: \.isOfAdapter) {
        return
          "its adapters become part of the weights with 'moec weights merge FILE NEW', or use the "
          + "library that they were saved with"
      }
      let isOnlyPartial = problems.allSatisfy { if case .missing = $0 { true } else { false } }
      return isOnlyPartial
        ? "use the library that the weights were saved with, or take part of them with "
          + "--weights FILE --allow-missing"
        : "use the library that the weights were saved with"
    }
  }

  /// All problems found in the file, in its own order.
  public var problems: [SafetensorsProblem] {
    switch self {
    case .unreadable, .beyondRange: return []
    case .malformed(_, let problems), .unfit(_, let problems, _): return problems
    }
  }

  /// What is wrong with all layers is said once, and of the optimizer's tensors only what is not
  /// said of their parameters.
  private func folded(_ problems: [SafetensorsProblem]) -> String {
    let texts = problems.map(\.description)
    let ofParameters = texts.filter { !$0.hasPrefix("adam_") && !$0.hasPrefix("ema.") }
    let told = ofParameters.isEmpty ? texts : ofParameters
    return NameList(told, separator: "; ").description
  }

  /// The first of them: a file of a megabyte can have a hundred thousand.
  private func list(_ problems: [SafetensorsProblem]) -> String {
    let most = 20
    let told = problems.prefix(most).map(\.description).joined(separator: "; ")
    return problems.count > most ? "\(told); and \((problems.count - most).grouped) more" : told
  }
}
