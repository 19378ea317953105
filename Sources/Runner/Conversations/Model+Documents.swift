import ModelRuntime

extension Model {
  /// Says where in its row the text of each token of the next pass begins, [batches, B, T]; nil leaves each row
  /// one text, as it is where nobody said otherwise.
  func take(documents beginnings: [Int32]?, batches: Int = 1) throws(ModelError) {
    if let beginnings { try setDocuments(beginnings, batches: batches) }
  }
}
