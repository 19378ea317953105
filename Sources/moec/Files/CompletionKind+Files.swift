import ArgumentParser

/// What a shell offers for an argument.
extension CompletionKind {
  static var model: CompletionKind { .file(extensions: ["swift"]) }
  static var library: CompletionKind { .file(extensions: ["so", "dylib"]) }
  static var weights: CompletionKind { .file(extensions: ["safetensors"]) }
  static var tokenizer: CompletionKind { .file(extensions: ["json"]) }
}
