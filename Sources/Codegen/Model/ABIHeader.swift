import CKernels

extension GeneratedFile {
  /// The C interface of every compiled library: `CModelABI`'s header.
  static let abiHeader = GeneratedFile(
    path: "moec_model.h", text: String(cString: moec_model_h()))
}
