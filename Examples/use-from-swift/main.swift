// Trains a compiled model and lets it write, in Swift, with nothing but the library and its header.
//   moec compile Examples/makemoe.swift -o libmodel.so
//   swiftc -O -import-objc-header libmodel.h Examples/use-from-swift/*.swift \
//     -L . -lmodel -Xlinker -rpath -Xlinker . -o main
//   ./main Data/shakespeare.txt 300 1337                     text, steps, seed
// It draws the batches of `moec run libmodel.so --train`, so it ends with the same parameters.
import Foundation

struct Manifest: Decodable {
  struct Parameter: Decodable { var shape: [Int] }
  var batch: Int, context: Int, vocabulary: Int, parameters: [Parameter], defaults: [String: Float]
}

let arguments = CommandLine.arguments
let manifest = try JSONDecoder().decode(Manifest.self, from: Data(String(cString: moec_manifest()).utf8))
let text = try String(contentsOfFile: arguments[1], encoding: .utf8).unicodeScalars.map { $0 }
let steps = Int(arguments[2])!, seed = UInt64(arguments[3])!
let letters = Set(text).sorted()
let tokenOf = Dictionary(uniqueKeysWithValues: zip(letters, Int32(0)...))
let train = text[..<(text.count * 9 / 10)].map { tokenOf[$0]! }
let T = manifest.context, V = manifest.vocabulary, numbers = manifest.defaults
var hyper = moec_hyper(
  learning_rate: numbers["learning_rate"]!, beta1: numbers["beta1"]!, beta2: numbers["beta2"]!,
  epsilon: numbers["epsilon"]!, weight_decay: numbers["weight_decay"]!, seed: 0)
guard let model = moec_create() else { fatalError("no memory for a model") }
moec_initialize(model, draw(seed, .firstParameters, 0))
for step in 0..<steps {
  let windows = (0..<manifest.batch).map { sequence in  // each starts anywhere in 0 ..< train.count - T
    Int(draw(seed, .batch, step, sequence).multipliedFullWidth(by: UInt64(train.count - T)).high)
  }
  hyper.seed = draw(seed, .step, step)
  let loss = moec_train_step(
    model, windows.flatMap { train[$0..<$0 + T] }, windows.flatMap { train[$0 + 1...$0 + T] }, &hyper)
  guard !loss.isNaN else { fatalError(String(cString: moec_error(model))) }
  if step % 100 == 0 || step == steps - 1 { print("step \(step): loss", String(format: "%.4f", loss)) }
}
var written: [Int32] = [0], logits = [Float](repeating: 0, count: T * V)  // a new line, then 200 characters
for i in 0..<200 {
  let seen = Array(written.suffix(T))
  moec_logits(model, seen, Int32(seen.count), draw(seed, .noiseOfText, i), &logits)
  let weights = logits[(seen.count - 1) * V..<(seen.count - 1) * V + letters.count].map { exp(Double($0)) }
  var rest = Double(draw(seed, .text, 0, i) >> 11) * 0x1p-53 * weights.reduce(0, +)
  written.append(Int32(weights.firstIndex { rest -= $0; return rest < 0 } ?? 0))
}
print(String(String.UnicodeScalarView(written.dropFirst().map { letters[Int($0)] })))
var total: UInt64 = 0, place: UInt64 = 0
for (index, parameter) in manifest.parameters.enumerated() {
  var values = [Float](repeating: 0, count: parameter.shape.reduce(1, *))
  moec_read(model, Int32(MOEC_VALUE), Int32(index), &values)
  for value in values { total &+= mix(place &+ UInt64(value.bitPattern)); place &+= golden }
}
let hexadecimal = String(total, radix: 16)
let padding = String(repeating: "0", count: 16 - hexadecimal.count)
print("parameters after \(steps) steps: \(padding)\(hexadecimal)")
