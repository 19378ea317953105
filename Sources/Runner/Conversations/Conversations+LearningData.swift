import ModelRuntime
import Words

extension Conversations: LearningData {
  /// All that the batches are made of goes into it, how rows are filled included.
  var fingerprint: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func add(_ number: Int) { hash = (hash ^ UInt64(number)) &* 0x100_0000_01b3 }
    add(context)
    add(packs ? 1 : 0)
    for part in [training, validation] {
      add(part.texts.count)
      for index in 0..<part.texts.count {
        let span = part.texts.span(of: index)
        add(span.count)
        for place in span {
          add(Int(part.texts.tokens[place]) << 1 | (part.texts.isLearned[place] ? 1 : 0))
        }
      }
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  var summary: [String] {
    func line(_ part: Part) -> String {
      "\(part.texts.count.of("conversation")): \(part.count.all.grouped) \(coding.unit), "
        + "\(part.count.learned.grouped) of them learned"
    }
    let other = options.validation.map { ", of \($0)" } ?? ""
    let padding = Int((100 * training.padding(context)).rounded())
    return [
      "data    \(path)",
      "        to train on \(line(training))",
      "        to validate \(line(validation))\(other)",
      "        \(training.rows.count.of("row")) of \(context.grouped) to train on, "
        + "\(padding) % of them padding",
    ]
  }

  var notes: [String] {
    var notes: [String] = []
    let most = (context + 1).grouped
    if findings.truncated > 0 {
      notes.append(
        "\(findings.truncated.grouped) of \(findings.lines.of("conversation")) are longer than \(most) "
          + "\(coding.unit), up to \(findings.longest.grouped), and lose their ends")
    }
    if findings.unlearned > 0 {
      notes.append(
        "\(findings.unlearned.grouped) of \(findings.lines.of("conversation")) have nothing to learn "
          + "in \(most) \(coding.unit), and are left out")
    }
    let padding = Int((100 * training.padding(context)).rounded())
    if !packs, training.texts.count > 1, padding > 0 {
      notes.append(
        "each row has one conversation, and \(padding) % of them are padding: a library compiled with "
          + "--documents packs several into a row")
    }
    return notes
  }

  var parameters: [String: String] {
    var parameters = [
      "data": path, "conversations": "\(training.texts.count)",
      "learn": (options.learn ?? .answers).rawValue, "rows": "\(training.rows.count)",
      "packed": "\(packs)",
    ]
    parameters["validation"] = options.validation
    parameters["template"] = options.template
    return parameters
  }

  // MARK: - Training

  /// Rows in an order of each epoch's own; an epoch ends with a step, which may be shorter.
  func batch(step: Int, part: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> Batch {
    let rows = manifest.batch
    return training.batch(
      chosen(step: step, parts * rows, seed).dropFirst(part * rows).prefix(rows), of: rows, context,
      packs: packs)
  }

  func count(step: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> TokenCount {
    chosen(step: step, parts * manifest.batch, seed).reduce(into: TokenCount(all: 0, learned: 0)) {
      $0 += training.count(of: $1)
    }
  }

  func tokens(before step: Int, of parts: Int, _ manifest: Manifest, seed: UInt64) -> Int {
    let steps = stepsOfEpoch(of: parts, manifest)
    let order = order.rows(training.rows.count, epoch: step / steps, seed: seed)
    let seen = order.prefix(step % steps * parts * manifest.batch)
    return step / steps * training.count.all + seen.reduce(0) { $0 + training.count(of: $1).all }
  }

  func stepsOfEpoch(of parts: Int, _ manifest: Manifest) -> Int {
    let each = parts * manifest.batch
    return (training.rows.count + each - 1) / each
  }

  var epoch: String { "each conversation once" }

  /// The rows of a step with room for `count`.
  private func chosen(step: Int, _ count: Int, _ seed: UInt64) -> ArraySlice<Int> {
    let steps = (training.rows.count + count - 1) / count
    let order = order.rows(training.rows.count, epoch: step / steps, seed: seed)
    return order[(step % steps) * count..<min((step % steps + 1) * count, order.count)]
  }

  // MARK: - Evaluation

  /// The whole part to validate on.
  func usualEvaluationBatches(_ manifest: Manifest) -> Int {
    evaluationBatches(of: .validation, atMost: .max, manifest)
  }

  func evaluationBatches(of split: Corpus.Split, atMost most: Int, _ manifest: Manifest) -> Int {
    min(most, (self[split].rows.count + manifest.batch - 1) / manifest.batch)
  }

  /// Rows in an order of each evaluation's own, so that a part of them is fairly drawn.
  func evaluation(
    of split: Corpus.Split, step: Int, _ manifest: Manifest, seed: UInt64
  ) -> EvaluationBatches {
    let part = self[split]
    var stream = RandomStream(seed: seed, split.purpose, index: step)
    let order = EpochOrder.shuffled(part.rows.count, &stream)
    let rows = manifest.batch
    return EvaluationBatches { index in
      part.batch(order.dropFirst(index * rows).prefix(rows), of: rows, context, packs: packs)
    }
  }

  private subscript(split: Corpus.Split) -> Part {
    switch split {
    case .training: return training
    case .validation: return validation
    }
  }
}
