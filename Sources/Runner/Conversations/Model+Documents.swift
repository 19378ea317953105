import ModelRuntime

extension ModelLibrary {
  /// Whether a row may have several texts, none of which sees another.
  var takesDocuments: Bool { false }
}

extension Model {
  /// Says where in its row the text of each token of the next pass begins, [batches, B, T].
  func take(documents beginnings: [Int32]?, batches: Int = 1) throws(ModelError) {}
}
