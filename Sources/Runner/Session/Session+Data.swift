import Chat
import Exchange
import ModelRuntime
import SystemFiles
import Tokenizer

// What is trained and evaluated on.
extension Session {
  static func texts(
    _ options: Options, _ library: ModelLibrary, _ checkpoint: Checkpoint?, _ record: RunRecord?
  ) throws -> (TextCoding, (any LearningData)?) {
    let manifest = library.manifest
    let given = try givenCoding(options, manifest, checkpoint)
    switch options.text {
    case .corpus:
      let path = try dataPath(options, record)
      if Conversations.isNamed(by: path) {
        guard let given else { throw ConversationsError.noTokenizer(path: path) }
        let data = try conversations(path, library, given, options, record)
        return (given, data)
      }
      if let option = options.conversations.given.first {
        throw ConversationsError.noConversations(path: path, option: option)
      }
      let corpus = try Corpus(path: path, manifest: manifest, coding: given)
      return (corpus.coding, corpus)
    case .vocabulary:
      if let given { return (given, nil) }
      let path: String
      do throws(CorpusError) { path = try dataPath(options, record) } catch .noneGiven(let usual) {
        throw CorpusError.noCharacters(usual: usual)
      }
      if Conversations.isNamed(by: path) { throw ConversationsError.noTokenizer(path: path) }
      if TokenShards.isFolder(path) {
        return (try Corpus(path: path, manifest: manifest).coding, nil)
      }
      return (.characters(try Corpus.vocabulary(path: path, manifest: manifest)), nil)
    }
  }

  /// Conversations, read as a run that goes on read them.
  private static func conversations(
    _ path: String, _ library: ModelLibrary, _ coding: TextCoding, _ options: Options,
    _ record: RunRecord?
  ) throws -> Conversations {
    var earlier = record?.conversations ?? ConversationOptions()
    var weights: String?
    switch options.parameters {
    case .initialized: break
    case .weights(let path): weights = path
    case .checkpoint(let path):
      weights = path
      earlier.template = earlier.template.flatMap { EarlierFile.find($0, near: path) }
      earlier.validation = earlier.validation.map { EarlierFile.find($0, near: path) ?? $0 }
    }
    let asked = options.conversations.over(earlier)
    let files = try ChatFiles(beside: weights, template: asked.template)
    return try Conversations(
      path: path, manifest: library.manifest, coding: coding, files: files, asked,
      packs: library.manifest.takesDocuments)
  }

  /// What the weights bring along or `--tokenizer` names; nil if neither says.
  static func givenCoding(
    _ options: Options, _ manifest: Manifest, _ checkpoint: Checkpoint?
  ) throws(CorpusError) -> TextCoding? {
    let characters = checkpoint?.notes.vocabulary ?? []
    var saved = characters.isEmpty ? nil : TextCoding.characters(Vocabulary(characters))
    var named: TextCoding?
    do throws(TokenizerError) {
      if let json = checkpoint?.notes.tokenizer {
        let place = "the tokenizer in the weights"
        saved = .subwords(try BytePairTokenizer(json: Array(json.utf8), path: place))
      }
      if let path = options.tokenizer { named = .subwords(try BytePairTokenizer(path: path)) }
    } catch {
      throw .tokenizer(error)
    }
    if let saved, let named, saved != named {
      throw .otherTokenizer(first: options.tokenizer ?? "", second: "the weights")
    }
    let coding = saved ?? named
    if case .subwords(let tokenizer)? = coding { try Corpus.check(tokenizer, manifest) }
    return coding
  }

  /// The text that is named, that of the run which goes on, or the usual one.
  private static func dataPath(
    _ options: Options, _ record: RunRecord?
  ) throws(CorpusError) -> String {
    if let path = options.data { return path }
    if case .checkpoint(let path) = options.parameters, let record,
      let found = EarlierFile.find(record.data, near: path)
    {
      return found
    }
    guard let usual = Corpus.usual else { throw .noneGiven(usual: Corpus.usualPath) }
    return usual
  }
}
