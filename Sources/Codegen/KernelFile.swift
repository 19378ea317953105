/// The C source of one kernel file, `kernels/NAME.h` beside the generated layers.
///
/// The text is the same for every model: sizes are arguments, which the C compiler sees as constants
/// at every call and folds. A model gets only the files that its plan calls, and what those include.
struct KernelFile: Sendable {
  /// The file's name without `.h`, snake_case.
  var name: String

  /// The kernel files that this one includes, by name.
  var includes: [String] = []

  /// The C text below the include guard and the `#include` lines.
  var source: String
}
