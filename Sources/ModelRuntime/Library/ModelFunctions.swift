import CModelABI
import Foundation

/// The functions of one library, by the types that `moec_model.h` gives them.
/// Any thread may call them, on a model of its own.
struct ModelFunctions: @unchecked Sendable {
  typealias Tokens = UnsafePointer<Int32>?

  let manifest: @convention(c) () -> UnsafePointer<CChar>?
  let create: @convention(c) () -> OpaquePointer?
  let destroy: @convention(c) (OpaquePointer?) -> Void
  let initialize: @convention(c) (OpaquePointer?, UInt64) -> Void
  let setThreads: @convention(c) (OpaquePointer?, Int32) -> Int32
  let read: @convention(c) (OpaquePointer?, Int32, Int32, UnsafeMutablePointer<Float>?) -> Int32
  let write: @convention(c) (OpaquePointer?, Int32, Int32, UnsafePointer<Float>?) -> Int32
  let trainStep:
    @convention(c) (OpaquePointer?, Tokens, Tokens, UnsafePointer<moec_hyper>?) -> Float
  let gradients: @convention(c) (OpaquePointer?, Tokens, Tokens, UInt64) -> Float
  let loss: @convention(c) (OpaquePointer?, Tokens, Tokens, UInt64) -> Float
  let logits:
    @convention(c) (OpaquePointer?, Tokens, Int32, UInt64, UnsafeMutablePointer<Float>?) -> Int32
  let error: @convention(c) (OpaquePointer?) -> UnsafePointer<CChar>?

  // Functions that a library may lack; what needs them says so.
  let readPart:
    (
      @convention(c) (OpaquePointer?, Int32, Int32, Int64, Int64, UnsafeMutablePointer<Float>?)
        -> Int32
    )?
  let createRank: (@convention(c) (UnsafePointer<moec_exchange>?, Int32) -> OpaquePointer?)?
  let setDecay: (@convention(c) (OpaquePointer?, Int32, Int32) -> Int32)?
  let accumulate: (@convention(c) (OpaquePointer?, Tokens, Tokens, UInt64) -> Float)?
  let update: (@convention(c) (OpaquePointer?, UnsafePointer<moec_hyper>?, Float) -> Float)?
  let average: (@convention(c) (OpaquePointer?, OpaquePointer?, Float) -> Int32)?
  let firstBad: (@convention(c) (OpaquePointer?) -> UnsafePointer<CChar>?)?
  let expertLoads:
    (@convention(c) (OpaquePointer?, Int32, UnsafeMutablePointer<moec_load>?) -> Int32)?
  let routes:
    (
      @convention(c) (
        OpaquePointer?, Int32, UnsafeMutablePointer<Int32>?, UnsafeMutablePointer<Int32>?,
        UnsafeMutablePointer<Float>?
      ) -> Int32
    )?
  let replay: (@convention(c) (OpaquePointer?, Tokens, Int32) -> Int32)?
  let losses:
    (
      @convention(c) (
        OpaquePointer?, Int32, Tokens, Tokens, UnsafePointer<UInt64>?, UnsafeMutablePointer<Float>?
      ) -> Int32
    )?

  let next:
    (
      @convention(c) (OpaquePointer?, Tokens, Int32, UInt64, UnsafeMutablePointer<Float>?) -> Int32
    )?
  let documents: (@convention(c) (OpaquePointer?, Int32, Tokens) -> Int32)?
  let terms: (@convention(c) (OpaquePointer?, UnsafeMutablePointer<Float>?) -> Int32)?

  static let names = [
    "moec_abi", "moec_manifest", "moec_create", "moec_destroy", "moec_initialize",
    "moec_set_threads", "moec_read", "moec_write", "moec_train_step", "moec_gradients",
    "moec_loss", "moec_logits", "moec_error",
  ]

  init(_ handle: UnsafeMutableRawPointer, path: String) throws(LibraryError) {
    let missing = ModelFunctions.names.filter { dlsym(handle, $0) == nil }
    guard missing.isEmpty else { throw .notAModel(path: path, missing: missing) }
    manifest = ModelFunctions.function("moec_manifest", in: handle)
    create = ModelFunctions.function("moec_create", in: handle)
    destroy = ModelFunctions.function("moec_destroy", in: handle)
    initialize = ModelFunctions.function("moec_initialize", in: handle)
    setThreads = ModelFunctions.function("moec_set_threads", in: handle)
    read = ModelFunctions.function("moec_read", in: handle)
    write = ModelFunctions.function("moec_write", in: handle)
    trainStep = ModelFunctions.function("moec_train_step", in: handle)
    gradients = ModelFunctions.function("moec_gradients", in: handle)
    loss = ModelFunctions.function("moec_loss", in: handle)
    logits = ModelFunctions.function("moec_logits", in: handle)
    error = ModelFunctions.function("moec_error", in: handle)
    readPart = ModelFunctions.optional("moec_read_part", in: handle)
    createRank = ModelFunctions.optional("moec_create_rank", in: handle)
    setDecay = ModelFunctions.optional("moec_set_decay", in: handle)
    accumulate = ModelFunctions.optional("moec_accumulate", in: handle)
    update = ModelFunctions.optional("moec_update", in: handle)
    average = ModelFunctions.optional("moec_average", in: handle)
    firstBad = ModelFunctions.optional("moec_first_bad", in: handle)
    expertLoads = ModelFunctions.optional("moec_expert_loads", in: handle)
    routes = ModelFunctions.optional("moec_routes", in: handle)
    replay = ModelFunctions.optional("moec_replay", in: handle)
    losses = ModelFunctions.optional("moec_losses", in: handle)
    next = ModelFunctions.optional("moec_next", in: handle)
    documents = ModelFunctions.optional("moec_documents", in: handle)
    terms = ModelFunctions.optional("moec_terms", in: handle)
  }

  /// Nil where the library does not have it.
  private static func optional<Function>(
    _ name: String, in handle: UnsafeMutableRawPointer
  ) -> Function? {
    dlsym(handle, name).map { unsafeBitCast($0, to: Function.self) }
  }

  /// Only for names that were found; the type is the one that the header declares.
  private static func function<Function>(
    _ name: String, in handle: UnsafeMutableRawPointer
  ) -> Function {
    unsafeBitCast(dlsym(handle, name), to: Function.self)
  }
}
