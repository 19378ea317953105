/// The C source of one kernel file, `kernels/NAME.h` beside the generated layers, and of large ones
/// `kernels/NAME.c`.
///
/// The text is the same for every model. What stands in a header has sizes as arguments, which the C
/// compiler sees as constants at every call and folds. What gains nothing by that, and takes long to
/// compile, stands in a file of its own: it is compiled once for all layers, and an edit of the model
/// leaves it as it is. A model gets only the files that its plan calls, and what those include.
struct KernelFile: Sendable {
  /// What is compiled by itself.
  struct Body: Sendable {
    /// The kernel files that it includes besides its own header, by name.
    var includes: [String]

    /// The C text below the `#include` lines.
    var source: String
  }

  /// The file's name without `.h`, snake_case.
  var name: String

  /// The kernel files that this one includes, by name.
  var includes: [String] = []

  /// The C text below the include guard and the `#include` lines.
  var source: String

  /// `kernels/NAME.c`; nil if all of it is in the header.
  var body: Body? = nil

  /// All kernel files that it needs, by name.
  var needs: [String] { includes + (body?.includes ?? []) }
}
