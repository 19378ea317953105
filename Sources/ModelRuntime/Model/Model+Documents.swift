/// Documents that stand in one row: a token sees those before it in its own.
extension Model {
  /// Whether rows may hold several documents: the library was compiled with --documents.
  public var takesDocuments: Bool { manifest.takesDocuments && has(.documents) }

  /// Sets the documents of the calls that follow, until they are set anew: batch n of `losses` takes those of batch n,
  /// and calls of one batch take the first. Logits are always of one document.
  ///
  /// - Parameters:
  ///   - beginnings: [batches, B, T], for each token the position in its row at which its document begins: its own
  ///     position, or that of the token before; nil: each row is one document, as at first.
  ///   - batches: how many batches they are for.
  /// - Throws: the library knows no documents; another number of values; a beginning that cannot be. Nothing is
  ///   changed then.
  public func setDocuments(_ beginnings: [Int32]?, batches: Int = 1) throws(ModelError) {
    guard let documents = library.functions.documents, takesDocuments else {
      throw .takesNoDocuments
    }
    guard let beginnings else { return try check(documents(handle, 0, nil), "documents") }
    let each = manifest.batch * manifest.context
    guard let count = Int32(exactly: batches), batches > 0 else {
      throw .failed(call: "documents", reason: "\(batches) batches are out of range")
    }
    let expected = batches.multipliedReportingOverflow(by: each)
    guard !expected.overflow, beginnings.count == expected.partialValue else {
      throw .wrongCount(
        what: "beginnings of documents", expected: expected.partialValue, found: beginnings.count)
    }
    try check(documents(handle, count, beginnings), "documents")
  }
}
