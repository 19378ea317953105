import ModelRuntime

extension Model {
  /// Says where in its row the text of each token of the next pass begins, [batches, B, T]; nil: each row is one
  /// text, whatever the pass before had. A library that knows no documents has no others.
  func take(documents beginnings: [Int32]?, batches: Int = 1) throws(ModelError) {
    if takesDocuments || beginnings != nil { try setDocuments(beginnings, batches: batches) }
  }
}
