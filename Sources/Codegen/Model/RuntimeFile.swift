import CKernels
import Planning

/// A file of a model that is the same for every model, or nearly: `RuntimeText` says what is not.
struct RuntimeFile {
  let path: String

  /// As it lies in `CKernels`.
  let text: UnsafePointer<CChar>?
  var source: String { text.map { String(cString: $0) } ?? "" }

  /// What is behind the library's interface, in the order in which a reader wants it.
  private static var interface: [RuntimeFile] {
    [
      RuntimeFile(path: "interface.h", text: runtime_interface_h()),
      RuntimeFile(path: "interface.c", text: runtime_interface_c()),
      RuntimeFile(path: "creation.c", text: runtime_creation_c()),
      RuntimeFile(path: "tensors.c", text: runtime_tensors_c()),
      RuntimeFile(path: "training.c", text: runtime_training_c()),
      RuntimeFile(path: "update.h", text: runtime_update_h()),
      RuntimeFile(path: "update.c", text: runtime_update_c()),
      RuntimeFile(path: "ranks.h", text: runtime_ranks_h()),
      RuntimeFile(path: "ranks.c", text: runtime_ranks_c()),
      RuntimeFile(path: "ranks_step.c", text: runtime_ranks_step_c()),
      RuntimeFile(path: "evaluation.c", text: runtime_evaluation_c()),
      RuntimeFile(path: "adamw.c", text: runtime_adamw_c()),
      RuntimeFile(path: "manifest.c", text: runtime_manifest_c()),
    ]
  }

  private static var routes: RuntimeFile { RuntimeFile(path: "routes.c", text: runtime_routes_c()) }

  private static var expertRanks: RuntimeFile {
    RuntimeFile(path: "expert_ranks.c", text: runtime_expert_ranks_c())
  }

  private static var documents: RuntimeFile {
    RuntimeFile(path: "documents.c", text: runtime_documents_c())
  }

  /// All that there are.
  static var all: [RuntimeFile] { interface + [routes, expertRanks, documents] }

  /// Those that a model has: what routes nothing needs no routes, and without ranks that share out experts nothing
  /// travels to these; `documents.c` is of those whose rows hold several.
  static func needed(by plan: Plan) -> [RuntimeFile] {
    interface + (plan.routers.isEmpty ? [] : [routes]) + (plan.sharesExperts ? [expertRanks] : [])
      + (plan.graph.takesDocuments ? [documents] : [])
  }

  func generated(_ context: Context) -> GeneratedFile {
    GeneratedFile(path: path, statements(context))
  }

  /// The whole file.
  func statements(_ context: Context) -> [Statement] {
    let own = context.runtime.statements(source)
    return [Statement(lines: [context.heading(path), "//"])] + own.dropLast()
  }
}
