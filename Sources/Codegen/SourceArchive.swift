import GraphIR

/// `sources.c`: the library carries the files that it was made from.
///
/// The assembler copies them into a section that no loader maps, so they cost no memory, and a
/// library that was rebuilt from changed C carries the changed C. The section's format stands in
/// the file's head; `EmbeddedSources` reads it.
struct SourceArchive {
  static let path = "sources.c"

  /// Where the model's own source lies among the generated files.
  static let modelPath = "model.swift"

  let context: Context

  /// The paths of all other files, model included.
  let paths: [String]

  var file: GeneratedFile {
    let carried = (paths + [Self.path]).map { "    CARRY(\(CNames.literal($0)))" }
    return GeneratedFile(
      path: Self.path,
      text: """
        \(context.heading(Self.path))
        //
        // Every file of this folder, carried in the library for `moec inspect` and `moec bench`, in
        // a section that is not loaded: 8 bytes "moecsrc1", then for each file the size of its name
        // and the size of its text, 8 bytes each, lowest byte first, then the name and the text.

        #if defined(__APPLE__)
        #define SECTION ".section __MOEC,__sources,regular,no_dead_strip\\n"
        #else
        #define SECTION ".section .moec.sources,\\"\\",%progbits\\n"
        #endif

        #define CARRY(name) \\
            ".quad 2f - 1f\\n" \\
            ".quad 3f - 2f\\n" \\
            "1: .ascii \\"" name "\\"\\n" \\
            "2: .incbin \\"" name "\\"\\n" \\
            "3:\\n"

        #if defined(__ELF__) || defined(__APPLE__)
        __asm__(
            SECTION
            ".ascii \\"moecsrc1\\"\\n"
        \(carried.joined(separator: "\n"))
            ".text\\n");
        #endif

        """)
  }

  /// The model's source as files, helpers behind the model's own; none if the generator was not given it.
  static func model(_ source: ModelSource?) -> [GeneratedFile] {
    guard let source else { return [] }
    var paths: Set<String> = []
    return [GeneratedFile(path: modelPath, text: source.model)]
      + source.helpers.map { helper in
        // A name may have what no C text and no terminal should be given.
        let name = helper.name.map {
          $0.isASCII && ($0.isLetter || $0.isNumber || "+-_.".contains($0)) ? $0 : "_"
        }
        var path = "helpers/" + String(name)
        while !paths.insert(path).inserted { path = "helpers/_" + path.dropFirst("helpers/".count) }
        return GeneratedFile(path: path, text: helper.text)
      }
  }
}
