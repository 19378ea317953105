import CKernels

extension Context {
  /// The C interface of the library: `CModelABI`'s header, without functions that only others export.
  var abiHeader: GeneratedFile {
    GeneratedFile(path: "moec_model.h", text: runtime.resolved(moec_model_h()))
  }
}
