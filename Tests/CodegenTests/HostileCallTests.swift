import CModelABI
import CompiledModels
import Foundation
import ModelRuntime
import Testing

/// What a caller in C may get wrong: every call is refused, says why, and changes nothing.
@Suite struct HostileCallTests {
  // Compiled once for all tests, loaded by each.
  private static let path = Result {
    try CompiledModel(
      MakeMoE("hostile") { ($0.B, $0.T, $0.V, $0.C, $0.experts) = (2, 5, 11, 12, 3) }.graph()
    ).library.path
  }

  /// The library's functions, called past `ModelRuntime`, which asks for less.
  private struct Library {
    typealias Ids = UnsafePointer<Int32>?
    typealias Numbers = UnsafeMutablePointer<Float>?
    typealias Hyper = UnsafePointer<moec_hyper>?

    let handle: UnsafeMutableRawPointer
    let manifest: Manifest

    init() throws {
      let library = try ModelLibrary(path: HostileCallTests.path.get())
      handle = try #require(dlopen(library.path, RTLD_NOW))
      manifest = library.manifest
    }

    func function<Function>(_ name: String, _ type: Function.Type) throws -> Function {
      unsafeBitCast(try #require(dlsym(handle, name), "\(name)"), to: type)
    }

    func create() throws -> OpaquePointer {
      let create = try function("moec_create", (@convention(c) () -> OpaquePointer?).self)
      let model = try #require(create())
      let initialize = try function(
        "moec_initialize", (@convention(c) (OpaquePointer?, UInt64) -> Void).self)
      initialize(model, 3)
      return model
    }

    func destroy(_ model: OpaquePointer?) throws {
      try function("moec_destroy", (@convention(c) (OpaquePointer?) -> Void).self)(model)
    }

    func error(_ model: OpaquePointer?) throws -> String {
      typealias Function = @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>?
      let text = try function("moec_error", Function.self)(model)
      return String(cString: try #require(text))
    }

    func read(_ model: OpaquePointer?, _ kind: Int32, _ index: Int32, _ out: Numbers) throws
      -> Int32
    {
      typealias Function = @convention(c) (OpaquePointer?, Int32, Int32, Numbers) -> Int32
      return try function("moec_read", Function.self)(model, kind, index, out)
    }

    func write(
      _ model: OpaquePointer?, _ kind: Int32, _ index: Int32, _ numbers: UnsafePointer<Float>?
    ) throws -> Int32 {
      typealias Function =
        @convention(c) (OpaquePointer?, Int32, Int32, UnsafePointer<Float>?) -> Int32
      return try function("moec_write", Function.self)(model, kind, index, numbers)
    }

    func step(_ model: OpaquePointer?, _ ids: Ids, _ hyper: Hyper) throws -> Float {
      typealias Function = @convention(c) (OpaquePointer?, Ids, Ids, Hyper) -> Float
      return try function("moec_train_step", Function.self)(model, ids, ids, hyper)
    }

    /// `moec_gradients`, `moec_accumulate` or `moec_loss`.
    func pass(_ name: String, _ model: OpaquePointer?, _ ids: Ids) throws -> Float {
      typealias Function = @convention(c) (OpaquePointer?, Ids, Ids, UInt64) -> Float
      return try function(name, Function.self)(model, ids, ids, 1)
    }

    func update(_ model: OpaquePointer?, _ hyper: Hyper, _ norm: Float) throws -> Float {
      typealias Function = @convention(c) (OpaquePointer?, Hyper, Float) -> Float
      return try function("moec_update", Function.self)(model, hyper, norm)
    }

    /// Values, moments and step counts of all parameters.
    func state(_ model: OpaquePointer?) throws -> [UInt32] {
      try manifest.parameters.enumerated().flatMap { index, parameter in
        try [0, 2, 3, 4].flatMap { kind in
          var numbers = [Float](repeating: 0, count: max(parameter.count, parameter.steps))
          try #require(try read(model, Int32(kind), Int32(index), &numbers) == 0)
          return numbers.map(\.bitPattern)
        }
      }
    }
  }

  private static let good = moec_hyper(
    learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, seed: 0)

  private static let ids = (0..<10).map { Int32($0) }

  @Test("A model that is not there is refused by every function")
  func noModel() throws {
    let library = try Library()
    var (hyper, numbers) = (Self.good, [Float](repeating: 0, count: 1000))
    #expect(try library.error(nil) == "the model is missing")
    try library.destroy(nil)
    typealias Initialize = @convention(c) (OpaquePointer?, UInt64) -> Void
    try library.function("moec_initialize", Initialize.self)(nil, 1)
    #expect(try library.read(nil, 0, 0, &numbers) != 0)
    #expect(try library.write(nil, 0, 0, numbers) != 0)
    #expect(try library.step(nil, Self.ids, &hyper).isNaN)
    #expect(try library.update(nil, &hyper, 0).isNaN)
    for name in ["moec_gradients", "moec_accumulate", "moec_loss"] {
      #expect(try library.pass(name, nil, Self.ids).isNaN, "\(name)")
    }
    typealias Threads = @convention(c) (OpaquePointer?, Int32) -> Int32
    #expect(try library.function("moec_set_threads", Threads.self)(nil, 2) != 0)
    typealias Decay = @convention(c) (OpaquePointer?, Int32, Int32) -> Int32
    #expect(try library.function("moec_set_decay", Decay.self)(nil, 0, 1) != 0)
    typealias Average = @convention(c) (OpaquePointer?, OpaquePointer?, Float) -> Int32
    let average = try library.function("moec_average", Average.self)
    let model = try library.create()
    #expect(average(nil, model, 0) != 0 && average(model, nil, 0) != 0)
    try library.destroy(model)
    typealias FirstBad = @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>?
    #expect(try library.function("moec_first_bad", FirstBad.self)(nil) == nil)
    try passesWithoutModel(library, &numbers)
  }

  private func passesWithoutModel(_ library: Library, _ numbers: inout [Float]) throws {
    typealias Losses =
      @convention(c) (
        OpaquePointer?, Int32, Library.Ids, Library.Ids, UnsafePointer<UInt64>?, Library.Numbers
      ) -> Int32
    let losses = try library.function("moec_losses", Losses.self)
    #expect(losses(nil, 1, Self.ids, Self.ids, [1], &numbers) != 0)
    typealias Logits =
      @convention(c) (
        OpaquePointer?, Library.Ids, Int32, UInt64, Library.Numbers
      ) -> Int32
    #expect(
      try library.function("moec_logits", Logits.self)(nil, Self.ids, 3, 1, &numbers) != 0)
    typealias Loads = @convention(c) (OpaquePointer?, Int32, UnsafeMutableRawPointer?) -> Int32
    #expect(try library.function("moec_expert_loads", Loads.self)(nil, 0, &numbers) != 0)
    typealias Replay = @convention(c) (OpaquePointer?, Library.Ids, Int32) -> Int32
    #expect(try library.function("moec_replay", Replay.self)(nil, Self.ids, 1) != 0)
    typealias Routes =
      @convention(c) (
        OpaquePointer?, Int32, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?,
        Library.Numbers
      ) -> Int32
    #expect(try library.function("moec_routes", Routes.self)(nil, 1, nil, nil, nil) != 0)
  }

  private static let badNumbers: [(String, @Sendable (inout moec_hyper) -> Void)] = [
    ("learning_rate", { $0.learning_rate = .nan }),
    ("learning_rate", { $0.learning_rate = .infinity }),
    ("learning_rate", { $0.learning_rate = -1 }),
    ("beta1", { $0.beta1 = .nan }), ("beta1", { $0.beta1 = 1 }), ("beta1", { $0.beta1 = -0.1 }),
    ("beta2", { $0.beta2 = 1 }), ("beta2", { $0.beta2 = 2 }), ("beta2", { $0.beta2 = .nan }),
    ("epsilon", { $0.epsilon = 0 }), ("epsilon", { $0.epsilon = -1 }),
    ("epsilon", { $0.epsilon = .leastNonzeroMagnitude }), ("epsilon", { $0.epsilon = .infinity }),
    ("weight_decay", { $0.weight_decay = .infinity }), ("weight_decay", { $0.weight_decay = -1 }),
    ("weight_decay", { $0.weight_decay = .nan }), ("weight_decay", { $0.weight_decay = 1e30 }),
  ]

  @Test("Bad numbers of a step are refused by name, and nothing is changed")
  func hyperparameters() throws {
    let library = try Library()
    let model = try library.create()
    var hyper = Self.good
    #expect(try library.step(model, Self.ids, &hyper).isFinite)
    #expect(try library.pass("moec_accumulate", model, Self.ids).isFinite)
    let before = try library.state(model)
    for (name, change) in Self.badNumbers {
      var bad = Self.good
      change(&bad)
      #expect(try library.step(model, Self.ids, &bad).isNaN)
      #expect(try library.error(model).hasPrefix(name), "\(bad)")
      #expect(try library.update(model, &bad, 0).isNaN)
      #expect(try library.error(model).hasPrefix(name), "\(bad)")
    }
    #expect(try library.step(model, Self.ids, nil).isNaN)
    #expect(try library.error(model) == "the numbers of the step are missing")
    #expect(try library.update(model, &hyper, .nan).isNaN)
    #expect(try library.error(model).hasPrefix("max_norm"))
    #expect(try library.state(model) == before)
    // What was accumulated is still there.
    #expect(try library.update(model, &hyper, 0).isFinite)
    #expect(try library.state(model) != before)
    try library.destroy(model)
  }

  @Test("Step counts and moments that AdamW could not have left are refused")
  func states() throws {
    let library = try Library()
    let model = try library.create()
    var hyper = Self.good
    let before = try library.state(model)
    for count: Float in [-1, .nan, 0.5, .infinity, 1e38, 16_777_218] {
      #expect(try library.write(model, 4, 0, [count]) != 0)
      #expect(try library.error(model).hasPrefix("a step count"), "\(count)")
    }
    var moments = [Float](repeating: 0, count: 1000)
    for moment: Float in [-1, .nan, -.infinity] {
      moments[131] = moment
      #expect(try library.write(model, 3, 0, moments) != 0)
      #expect(try library.error(model).hasPrefix("a second moment"), "\(moment)")
    }
    #expect(try library.state(model) == before)
    #expect(try library.write(model, 4, 0, [16_777_216]) == 0)
    #expect(try library.step(model, Self.ids, &hyper).isFinite)
    var count: [Float] = [0]
    #expect(try library.read(model, 4, 0, &count) == 0)
    #expect(count == [16_777_216])
    #expect(try library.pass("moec_loss", model, Self.ids).isFinite)
    try library.destroy(model)
  }

  @Test("A tensor that is not there is named, and a good call clears the error")
  func tensors() throws {
    let library = try Library()
    let model = try library.create()
    var numbers = [Float](repeating: 0, count: 1000)
    for (kind, index) in [(0, -1), (0, 1_000_000), (5, 0), (-1, 0), (0, Int32.min)] {
      let reason = "there is no tensor of kind \(kind) and index \(index)"
      #expect(try library.read(model, Int32(kind), Int32(index), &numbers) != 0)
      #expect(try library.error(model) == reason)
      #expect(try library.write(model, Int32(kind), Int32(index), numbers) != 0)
      #expect(try library.error(model) == reason)
      #expect(try library.read(model, 0, 0, &numbers) == 0)
      #expect(try library.error(model) == "")
    }
    #expect(try library.read(model, 0, 0, nil) != 0)
    #expect(try library.error(model) == "the place for the numbers is missing")
    #expect(try library.write(model, 0, 0, nil) != 0)
    #expect(try library.error(model) == "the numbers are missing")
    var hyper = Self.good
    #expect(try library.step(model, Self.ids, &hyper).isFinite)
    #expect(try library.read(model, 1, 0, &numbers) != 0)
    #expect(try library.error(model).contains("training step"))
    try library.destroy(model)
  }

  @Test("A part of a tensor is what all of it has there, and one that is not there is refused")
  func parts() throws {
    typealias Function =
      @convention(c) (OpaquePointer?, Int32, Int32, Int64, Int64, Library.Numbers) -> Int32
    let library = try Library()
    let model = try library.create()
    let read = try library.function("moec_read_part", Function.self)
    #expect(try library.pass("moec_accumulate", model, Self.ids).isFinite)
    for (index, parameter) in library.manifest.parameters.enumerated() {
      for kind: Int32 in [0, 1, 2, 4] {
        let count = kind == 4 ? parameter.steps : parameter.count
        var (whole, part) = (
          [Float](repeating: 0, count: count), [Float](repeating: 7, count: count)
        )
        #expect(try library.read(model, kind, Int32(index), &whole) == 0)
        let (first, end) = (count / 3, count - count / 4)
        #expect(read(model, kind, Int32(index), Int64(first), Int64(end - first), &part) == 0)
        #expect(
          part[..<(end - first)].elementsEqual(whole[first..<end]), "\(parameter.name) \(kind)")
        #expect(part[(end - first)...].allSatisfy { $0 == 7 })
        for (first, length) in [(-1, 1), (0, -1), (0, count + 1), (count + 1, 0), (1, Int.max)] {
          #expect(read(model, kind, Int32(index), Int64(first), Int64(length), &part) != 0)
          #expect(try library.error(model).contains("no such part"), "\(first) \(length)")
        }
        #expect(read(model, kind, Int32(index), Int64(count), 0, &part) == 0)
      }
    }
    var number: [Float] = [0]
    #expect(read(nil, 0, 0, 0, 1, &number) != 0)
    #expect(read(model, 0, -1, 0, 1, &number) != 0)
    #expect(read(model, 0, 0, 0, 1, nil) != 0)
    try library.destroy(model)
  }

  @Test("Refused batches leave what was accumulated")
  func batches() throws {
    let library = try Library()
    let model = try library.create()
    var hyper = Self.good
    #expect(try library.pass("moec_accumulate", model, Self.ids).isFinite)
    let bad = Self.ids.map { $0 == 7 ? Int32(library.manifest.vocabulary) : $0 }
    #expect(try library.pass("moec_gradients", model, bad).isNaN)
    #expect(try library.error(model).contains("token 11 is outside"))
    #expect(try library.step(model, bad, &hyper).isNaN)
    #expect(try library.step(model, nil, &hyper).isNaN)
    #expect(try library.update(model, &hyper, 0).isFinite)
    typealias Threads = @convention(c) (OpaquePointer?, Int32) -> Int32
    for count in [0, -1, 1_000_000, Int32.max] {
      #expect(try library.function("moec_set_threads", Threads.self)(model, count) != 0)
      #expect(try library.error(model).hasPrefix("cannot use \(count) threads"))
    }
    try library.destroy(model)
  }
}
