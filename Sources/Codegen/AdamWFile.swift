import CKernels

/// `adamw.c`: one optimizer step over all parameters.
struct AdamWFile {
  let context: Context

  init(_ context: Context) { self.context = context }

  var file: GeneratedFile {
    let head = context.heading("adamw.c") + "\n//\n"
    return GeneratedFile(
      path: "adamw.c", text: head + context.runtime.resolved(runtime_adamw_c()))
  }
}
