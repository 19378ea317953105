import Foundation
import ModelFixtures
import ModelRuntime

@testable import Runner

/// A text of 12 different characters whose characters can be guessed from the ones before.
func sampleText(_ words: Int = 400) -> String {
  let dictionary = ["abc", "bad", "ace", "cab", "fed", "deaf", "jig", "hi"]
  var stream = RandomStream(seed: 1, .generation)
  let text = (0..<words).map { index in
    dictionary[stream.next(below: dictionary.count)] + (index % 8 == 7 ? "\n" : " ")
  }
  return text.joined()
}

/// A new file with this text; its path.
func fileWith(_ text: String) throws -> String {
  let path = try ModelFixture.folder() + "/text.txt"
  try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  return path
}

/// The small model on the sample text.
func sampleSession(
  seed: UInt64? = 1, library: String? = nil, parameters: Session.Parameters = .initialized
) throws -> Session {
  var options = Session.Options(library: try library ?? ModelFixture.bigram())
  options.data = try fileWith(sampleText())
  options.seed = seed
  options.threads = 1
  options.parameters = parameters
  return try Session(options)
}

/// Every parameter, moment and step count.
func state(_ model: Model) throws -> [[Float]] {
  try [Model.Kind.value, .firstMoment, .secondMoment, .stepCounts].flatMap { kind in
    try model.manifest.parameters.indices.map { try model.read(kind, $0) }
  }
}

/// The numbers of a safetensors file, without its header.
func tensorBytes(_ path: String) throws -> Data {
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  let header = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
  return data.dropFirst(8 + header)
}

/// The text of tokens.
func text(_ tokens: some Sequence<Int32>, _ coding: TextCoding) -> String {
  var writer = coding.writer()
  var text = ""
  for token in tokens { text += writer.append(token) }
  return text + writer.finish()
}
