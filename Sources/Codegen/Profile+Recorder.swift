import CKernels

/// The C that a profiled library has beyond the model's: a list of calls with their times.
enum ProfileRecorder {
  static let header = "moec_profile.h"

  static let files = [
    GeneratedFile(path: header, text: String(cString: runtime_moec_profile_h())),
    GeneratedFile(path: "moec_profile.c", text: String(cString: runtime_moec_profile_c())),
  ]
}
