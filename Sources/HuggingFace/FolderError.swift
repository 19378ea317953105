import Exchange
import JSON
import SystemFiles
import Words

/// Why a folder of Hugging Face's does not become a model, or a model no such folder.
public enum FolderError: ExplainedError, Equatable {
  case unreadable(FileError)
  case badWeights(SafetensorsError)
  case badAdapters(AdapterError)
  /// Adapters that PEFT's layout has no place for.
  case noAdapterPlace(String)
  /// A file that is no JSON of the kind that it should be.
  case malformed(path: String, reason: String)
  /// No config.json, or no weights that can be read.
  case missing(path: String, what: String, hint: String)
  case unknownArchitecture(path: String, name: String)
  /// What config.json asks for and a model of the DSL does not do, key by key.
  case unsupported(path: String, [String])
  /// Tensors that are missing, left over, or of another shape.
  case unfit(path: String, [String])
  /// Numbers of experts that cannot be made of the model's MLPs.
  case noSuchMixture(path: String, [String])
  /// A model that is none of the architectures.
  case noArchitecture(model: String, reason: String)
  /// A pattern that fits none of the model's parameters.
  case noSuchParameter(pattern: String, names: [String])
  /// Patterns that fit all of the model's parameters.
  case allFrozen

  public var message: String {
    switch self {
    case .unreadable(let error): return error.message
    case .badWeights(let error): return error.message
    case .badAdapters(let error): return error.message
    case .noAdapterPlace(let reason): return "PEFT has no place for these adapters: \(reason)"
    case .malformed(let path, let reason): return "\(path): \(reason)"
    case .missing(let path, let what, _): return "\(path) has no \(what)"
    case .unknownArchitecture(let path, let name):
      return "\(path): its model_type is \(name), which moec does not know"
    case .unsupported(let path, let problems), .unfit(let path, let problems),
      .noSuchMixture(let path, let problems):
      let more = problems.count > 12 ? "; and \(problems.count - 12) more" : ""
      return "\(path): \(problems.prefix(12).joined(separator: "; "))\(more)"
    case .noSuchParameter(let pattern, _):
      return "--freeze \(pattern): the model has no such parameter"
    case .allFrozen: return "--freeze leaves nothing that learns"
    case .noArchitecture(let model, let reason):
      return "\(model) is no model that transformers has: \(reason)"
    }
  }

  public var hint: String {
    switch self {
    case .unreadable(let error): return error.hint
    case .badWeights(let error): return error.hint
    case .badAdapters(let error): return error.hint
    case .noAdapterPlace: return "export the merged model, without --adapter; nothing was written"
    case .malformed: return "take the file as the model's authors published it"
    case .missing(_, _, let hint): return hint
    case .unknownArchitecture:
      return "known are \(Architecture.allCases.map(\.rawValue).joined(separator: ", "))"
    case .unsupported:
      return "the model would give other numbers than there: nothing was written"
    case .unfit:
      return "config.json and the weights have to be of one model; nothing was written"
    case .noSuchMixture:
      return
        "see 'moec import --help' for what --experts and the others may be; nothing was written"
    case .noSuchParameter(_, let names):
      return "there are \(nameForms(names)); * stands for anything, and a scope for all in it"
    case .allFrozen:
      return "freeze less; a library that only gives logits is made with 'moec compile --inference'"
    case .noArchitecture:
      return
        "what 'moec import' writes can be exported, also after training; see Docs/hugging-face.md"
    }
  }
}
