import Driver
import Foundation
import ModelRuntime
import SystemFiles

/// Where a compiled model goes.
struct CompileOutputs {
  /// The library; its header lies beside it.
  let library: String
  /// The folder of the C.
  let generated: String
  /// A folder that is made if it is not there: only the one that moec chose itself.
  private let made: String?

  /// With neither option all is in `build` of the current folder, called like the model's file, or its folder:
  /// `build/libtiny.so` and the C in `build/tiny`, of `tiny.swift`. With `--output` alone the C
  /// is in `Generated/NAME`, called like the model.
  init(model: String, name: String, output: String?, generated: String?) {
    let stem = Self.stem(of: model)
    library = output ?? Self.usualLibrary(of: model)
    self.generated =
      generated ?? (output == nil ? "\(Self.folder)/\(stem)" : "Generated/\(name)")
    made = output == nil ? Self.folder : nil
  }

  /// Where the library of a model goes that is compiled without `--output`.
  static func usualLibrary(of model: String) -> String {
    "\(folder)/lib\(stem(of: model)).\(Compilation.libraryExtension)"
  }

  private static let folder = "build"

  private static func stem(of model: String) -> String {
    let place = URL(fileURLWithPath: model)
    return place.pathExtension == "swift"
      ? place.deletingPathExtension().lastPathComponent : place.lastPathComponent
  }

  /// Makes the folder for the library, if that is ours to choose.
  func makeFolder() throws {
    guard let made, NewFolder.make(made) != 0 else { return }
    throw CompilationError(
      message: FileError(operation: "make", path: made, code: errno).message,
      hint: "name a library in another folder with -o LIB.so")
  }
}
