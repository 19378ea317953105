import Benchmark
import Codegen
import GraphIR
import ModelRuntime
import Planning

/// What a library carries, and how its parts belong together as far as this moec can tell.
///
/// The plan is made again from the carried graph, and the generator says which lines of C each call
/// became. A library of another version of moec, or one that was rebuilt from changed C, is still
/// shown: then `notice` says what could not be found out.
public struct InspectedModel: Sendable {
  public let sources: EmbeddedSources

  /// Nil where this moec would plan the model otherwise than the library was.
  public let plan: Plan?

  /// Where the plan's calls stand in the library's C; empty where the C is not what the plan gives.
  public let sites: [ProfiledModel.Site]

  /// What a reader must know of a library that this moec would not have made.
  public let notice: String?

  /// Reads a library without loading it. Errors: no such file, no sources.
  public init(library path: String) throws(EmbeddedSourcesError) {
    sources = try EmbeddedSources(library: path)
    guard let carried = try? CarriedPlan(library: path) else {
      (plan, sites) = (nil, [])
      notice = Self.otherPlan
      return
    }
    plan = carried.plan
    let files = sources.files.map { GeneratedFile(path: $0.path, text: $0.text) }
    do {
      sites = try ProfiledModel(carried.plan, files: files).sites
      notice = nil
    } catch {
      sites = []
      notice = Self.otherCode(error.file)
    }
  }

  private static let otherPlan =
    "The library has no plan that this moec reads: another version made it, or it is damaged. "
    + "Its calls and its memory are not shown. "
    + "Lines are paired by the comments in the C."

  private static func otherCode(_ file: String) -> String {
    "\(file) is not what this moec writes for the model: it was changed, or another version made "
      + "it. Lines are paired by the comments in the C."
  }
}
