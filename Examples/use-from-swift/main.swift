// Trains a compiled model and lets it write, in Swift, with nothing but the library and its header.
//   moec compile Examples/makemoe.swift -o libmodel.so
//   swiftc -O -import-objc-header libmodel.h Examples/use-from-swift/*.swift \
//     -L . -lmodel -Xlinker -rpath -Xlinker . -o main
//   ./main Data/shakespeare.txt 300 1337                     text, steps, seed
// It draws the batches of `moec run libmodel.so --train`, so it ends with the same parameters.
import Foundation

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(1)
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let steps = Int(arguments[2]), let seed = UInt64(arguments[3]) else {
  fail("usage: main TEXT STEPS SEED")
}
let text = Array(try String(contentsOfFile: arguments[1], encoding: .utf8).unicodeScalars)
let json = Data(String(cString: moec_manifest()).utf8)
let manifest = try JSONDecoder().decode(Manifest.self, from: json)
let letters = Set(text).sorted()
let tokenOf = Dictionary(uniqueKeysWithValues: zip(letters, Int32(0)...))
let train = text[..<(text.count * 9 / 10)].map { tokenOf[$0, default: 0] }
let T = manifest.context, V = manifest.vocabulary
var hyper = manifest.defaults.hyper
guard let model = moec_create() else { fail("no memory for a model") }
moec_initialize(model, draw(seed, .firstParameters, 0))
for step in 0..<steps {
  let windows = (0..<manifest.batch).map { sequence in  // they start in 0 ..< train.count - T
    Int(draw(seed, .batch, step, sequence).multipliedFullWidth(by: UInt64(train.count - T)).high)
  }
  hyper.seed = draw(seed, .step, step)
  let tokens = windows.flatMap { train[$0..<$0 + T] }
  let targets = windows.flatMap { train[$0 + 1...$0 + T] }
  let loss = moec_train_step(model, tokens, targets, &hyper)
  guard !loss.isNaN else { fail(String(cString: moec_error(model))) }
  if step % 100 == 0 || step == steps - 1 {
    print("step \(step): loss", String(format: "%.4f", loss))
  }
}
var logits = [Float](repeating: 0, count: T * V)
var written: [Int32] = [0]  // a new line, then 200 characters
for i in 0..<200 {
  let seen = Array(written.suffix(T))
  moec_logits(model, seen, Int32(seen.count), draw(seed, .noiseOfText, i), &logits)
  let last = logits[((seen.count - 1) * V)...].prefix(letters.count)
  written.append(Int32(sample(last, at: draw(seed, .text, 0, i))))
}
print(String(String.UnicodeScalarView(written.dropFirst().map { letters[Int($0)] })))
var total: UInt64 = 0, place: UInt64 = 0
for (index, parameter) in manifest.parameters.enumerated() {
  var values = [Float](repeating: 0, count: parameter.shape.reduce(1, *))
  moec_read(model, Int32(MOEC_VALUE), Int32(index), &values)
  for value in values {
    total &+= mix(place &+ UInt64(value.bitPattern))
    place &+= golden
  }
}
print("parameters after \(steps) steps:", String(format: "%016llx", total))
