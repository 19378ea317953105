// Who compiles models for a test compares them.
@_exported import Comparison

extension Trial {
  /// A trial of a model that a test compiled.
  public init(_ compiled: CompiledModel, seed: UInt64 = 1) {
    self.init(compiled.reference, compiled.library, seed: seed)
  }
}
