import GraphIR

extension Program {
  /// Reads what `text` writes; `#` begins a comment.
  ///
  /// - Throws: the first thing that cannot be read, with its line and column in the text; `file` is how
  ///   the text is called there. What a program must be beyond that, `ProgramVerifier` checks.
  public init(parsing text: String, file: String = "program") throws(Diagnostic) {
    var parser = ProgramParser(TextReader(text, file: file))
    self = try parser.program()
  }
}

/// A parser by recursive descent, one function for each rule of the text form.
private struct ProgramParser {
  var reader: TextReader

  init(_ reader: TextReader) { self.reader = reader }

  mutating func program() throws(Diagnostic) -> Program {
    var program = try header()
    while reader.nextLine(), !reader.acceptWord("sources") {
      throw reader.failure("expected \"sources\"")
    }
    try reader.endOfLine()
    while reader.nextLine(), reader.sees("%") { try source(&program) }
    var phase = Phase.forward
    while reader.nextLine() {
      if reader.acceptWord("return") {
        let output = try reader.output()
        program.outputs.append(.init(output, try reader.value()))
      } else if let next = [Phase.forward, .backward].first(where: {
        reader.acceptWord($0.rawValue)
      }) {
        phase = next
      } else {
        try call(&program, phase)
      }
      try reader.endOfLine()
    }
    return program
  }
}

// The header.
extension ProgramParser {
  private mutating func header() throws(Diagnostic) -> Program {
    let name = try line("program") { (r) throws(Diagnostic) in try r.string("the program's name") }
    let sequences = try line("sequences") { (r) throws(Diagnostic) in try r.passAxis(.sequences) }
    let positions = try line("positions") { (r) throws(Diagnostic) in try r.passAxis(.positions) }
    let marks = AxisMarks(sequences: sequences, positions: positions)
    while reader.nextLine(), reader.sees("axis ") {
      try line("axis") { (r) throws(Diagnostic) in try r.declareAxis(marks) }
    }
    let vocabulary = try line("vocabulary") { (r) throws(Diagnostic) in try r.axis() }
    var program = Program(
      name: name, sequences: sequences, positions: positions, vocabulary: vocabulary, sources: [],
      calls: [], outputs: [], types: [:])
    if reader.nextLine(), reader.sees("recomputed ") {
      program.recomputation = try line("recomputed") { (r) throws(Diagnostic) in
        try r.recomputation()
      }
    }
    return program
  }

  private mutating func line<Content>(
    _ word: String, _ content: (inout TextReader) throws(Diagnostic) -> Content
  ) throws(Diagnostic) -> Content {
    _ = reader.nextLine()
    try reader.expectWord(word)
    let result = try content(&reader)
    try reader.endOfLine()
    return result
  }
}

// Sources and calls.
extension ProgramParser {
  private mutating func source(_ program: inout Program) throws(Diagnostic) {
    let value = try reader.value()
    try reader.expect("=")
    let kind = try reader.kind()
    guard kind == .parameter || kind == .input else {
      throw reader.failure("\(kind.rawValue) is no source")
    }
    let op = try reader.op(kind)
    let role = ParameterRole.allCases.first { reader.acceptWord($0.rawValue) }
    let origin = try reader.origin()
    try reader.endOfLine()
    program.types[value] = try reader.mended { () throws(Mismatch) in
      try op.operation.infer([])[0]
    }
    program.sources.append(
      .init(value: value, op: op, role: role, scope: origin.scope, location: origin.location))
  }

  private mutating func call(_ program: inout Program, _ phase: Phase) throws(Diagnostic) {
    let kernel = try reader.call { (r) throws(Diagnostic) in try r.value() }
    for (index, result) in kernel.results.enumerated() {
      try reader.expect(index == 0 ? ":" : ",")
      program.types[result.content] = try reader.type()
    }
    var call = Program.Call(
      kernel: kernel, phase: phase, scope: "", nodes: [], cost: .none)
    try reader.expect("; nodes")
    while reader.seesDigit { call.nodes.append(try reader.integer("a node")) }
    try reader.expect("; flops")
    let flops = try reader.integer("operations")
    call.cost = Cost(flops: flops, productFlops: try reader.integer("operations of products"))
    call.updates = reader.accept("; updates")
    let origin = try reader.origin()
    (call.scope, call.layer, call.location) = (origin.scope, origin.layer, origin.location)
    while reader.accept(",") { call.joined.append(try reader.origin()) }
    program.calls.append(call)
  }
}
