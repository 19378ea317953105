/// The words that names from a model must not become.
///
/// Names of the three kinds cannot meet each other: an axis is a capital with small letters or digits,
/// or ends in `_axis`; a layer ends in `_layer`, or begins with a small letter; a value ends in `_`, or
/// begins with a small letter. What is in the way of a name gets the ending of its kind, and so does a
/// name that has the ending, so that two names never become one. A test compares these words with all
/// that the kernels, the generated files and the headers of the C library define.
enum CWords {
  /// Words of the language, and what C compilers define beside it.
  static let language: Set<String> = [
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict",
    "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union",
    "unsigned", "void", "volatile", "while", "asm", "typeof", "fortran", "linux", "unix", "i386",
    "bool", "true", "false", "nullptr", "constexpr", "alignas", "alignof", "thread_local",
    "static_assert", "near", "far", "vector", "pixel",
  ]

  /// What layers' functions use of the C library; whatever else it has may be hidden by a name.
  static let library: Set<String> = [
    "memcpy", "memset", "size_t", "ssize_t", "int8_t", "int16_t", "int32_t", "int64_t", "uint8_t",
    "uint16_t", "uint32_t", "uint64_t", "intptr_t", "uintptr_t", "ptrdiff_t", "stdin", "stdout",
    "stderr", "errno", "assert", "math_errhandling",
  ]

  /// Arguments and variables of layers' functions, and fields of the structs of a layer's uses.
  static let variables: Set<String> = [
    "p", "g", "s", "t", "u", "e", "q", "pass", "stream", "own", "own_s", "own_t", "part", "first",
    "shares", "sequences", "length", "saved", "router", "r", "from",
  ]

  /// Fields of the model's struct, and names of the files that every model has.
  static let model: Set<String> = [
    // The model's struct, and arguments and variables of functions that know layers.
    "value", "gradient", "first", "second", "steps", "start", "tokens", "targets", "positions",
    "kept", "counted", "batches", "all_counted", "used_up", "used", "decays", "routes",
    "replay_tokens", "update",
    "threads", "last", "error", "allocation", "allocated", "m", "l", "arena", "lane", "scratch",
    "base", "step",
    "logits", "loss", "i", "x", "count", "name",
    // Functions of model.h and model.c, and those that stand behind lines of some models alone; types and tables.
    "drawn_as", "pass_divides", "pass_part", "check_targets", "create", "ask_for_pages",
    "model_pass", "model_parameter", "model_parameters", "model_router", "model_routers",
    "model_load", "model_routes", "model_count_step", "model_update", "model_weight_update",
    "routes_take", "routes_keep", "routes_count", "routes_misfit", "moec_model", "moec_hyper",
    "moec_load", "rank_rows", "rows_of_rank", "exchange_counts", "exchange_rows",
    // Files.
    "model", "interface", "tensors", "training", "update", "ranks", "ranks_step", "evaluation",
    "adamw", "manifest", "sources", "expert_ranks", "creation",
    "profile", "moec_profile", "kernels",
    // The C library's, as far as these files call it.
    "calloc", "free", "snprintf", "madvise", "mmap", "munmap", "isfinite", "sqrt",
    "omp_set_num_threads",
  ]

  /// What names of layers' types and functions end in.
  static let endings = [
    "_params", "_updates", "_saved", "_scratch", "_use", "_places", "_part", "_in", "_forward",
    "_backward", "_sequences", "_t",
  ]

  /// All that kernels define outside of their functions.
  static let kernels = Set(KernelFile.all.flatMap { names(in: $0.header.text) })

  /// All that the files that know layers, and are the same for every model, define.
  static let runtime = Set(
    RuntimeFile.all.flatMap { names(in: $0.source) })

  /// What a text defines in models that have all of what only some have, and in those that have nothing of it.
  private static func names(in text: String) -> Set<String> {
    let all = Set(RuntimeText.Condition.allCases)
    return [all, []].reduce(into: []) { names, conditions in
      let resolved = RuntimeText(conditions: conditions, words: [:]).resolved(text)
      names.formUnion(CDefinedNames(resolved).found)
    }
  }

  private static let all = language.union(library).union(variables).union(kernels)

  /// Whether a field cannot have a name.
  static func takesFromFields(_ name: String) -> Bool {
    beginsOddly(name) || language.contains(name) || library.contains(name) || name.hasSuffix("_")
  }

  /// Whether an argument, or a function of a layer's own, cannot have a name.
  static func takesFromValues(_ name: String) -> Bool {
    beginsOddly(name) || all.contains(name) || name.hasSuffix("_") || name.hasSuffix("_axis")
      || hasEnding(name) || name.hasPrefix("moec_")
  }

  /// Whether a layer cannot have a name.
  static func takesFromLayers(_ name: String) -> Bool {
    beginsOddly(name) || isInFiles(name) || name.hasSuffix("_layer")
      || name.hasSuffix("_axis") || hasEnding(name) || name.hasPrefix("moec_")
      || name.hasPrefix("model_") || name.hasPrefix("routes_")
      || endings.contains { isInFiles(name + $0) }
  }

  /// Whether a file that knows layers has a name already.
  private static func isInFiles(_ name: String) -> Bool {
    all.contains(name) || model.contains(name) || runtime.contains(name)
  }

  /// Whether an axis cannot have a name: all but a capital, perhaps with digits, or with further letters
  /// of which one is small. Macros are capitals throughout, functions and types begin with small letters.
  static func takesFromAxes(_ name: String) -> Bool {
    guard let first = name.utf8.first, first.isCapital, name != "I" else { return true }
    let others = name.utf8.dropFirst()
    let isWord = others.allSatisfy { $0.isCapital || $0.isSmall || $0.isDigit }
    return !isWord || !(others.allSatisfy(\.isDigit) || others.contains(where: \.isSmall))
      || all.contains(name)
  }

  /// Underscores first are the compiler's, capitals those of axes and macros.
  private static func beginsOddly(_ name: String) -> Bool { name.utf8.first?.isSmall != true }

  /// Whether a layer's type or function might end so: `block_saved`, `block_forward_sequences_b`.
  private static func hasEnding(_ name: String) -> Bool {
    let words = name.split(separator: "_").map { "_" + $0 }
    return words.dropFirst().contains { endings.contains(String($0)) }
  }
}

extension UInt8 {
  fileprivate var isCapital: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
  fileprivate var isSmall: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
  fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
