import CModelABI
import CRanks
import Foundation

extension Ranks {
  /// What the way to MPI is compiled of, by the `mpicc` of the MPI that started the ranks: one C
  /// file, and the header that it includes.
  public static var mpiSources: [(name: String, text: String)] {
    [
      ("transport_mpi.c", String(cString: ranks_transport_mpi_c())),
      ("moec_model.h", String(cString: ranks_moec_model_h())),
    ]
  }

  /// Joins the other processes, once in a process, from the thread that then makes all calls.
  ///
  /// The file at `path` may be removed afterwards. Programs are started before, not after: not
  /// every network survives that.
  ///
  /// - Parameters:
  ///   - path: the library that `mpicc` made of `mpiSources`.
  ///   - launcher: what started this process, if that is known.
  /// - Throws: `RanksError`: it does not load, MPI fails, or is another one than the launcher's.
  public static func mpi(library path: String, launcher: Launcher?) throws(RanksError) -> Ranks {
    let mpi = try MPILibrary(path: path)
    // MPICH would end the process here, and say nothing that helps.
    if let launcher, launcher.kind == .openMPI, launcher.count > 1, !mpi.isOpenMPI {
      throw .otherLauncher(launcher.name, ranks: launcher.count, library: mpi.name, found: nil)
    }
    guard let exchange = mpi.open() else {
      throw .mpi(reason: mpi.failure ?? "it does not say why")
    }
    let ranks = Ranks(exchange, mpi)
    if let launcher, launcher.count != ranks.count {
      try? ranks.close()
      throw .otherLauncher(
        launcher.name, ranks: launcher.count, library: mpi.name, found: ranks.count)
    }
    return ranks
  }
}

/// MPI as the C of `mpiSources` gives it. It stays loaded: MPI can be joined only once.
private struct MPILibrary: Transport {
  /// Which MPI it is, and its version.
  let name: String
  let open: @convention(c) () -> UnsafePointer<moec_exchange>?
  private let error: @convention(c) () -> UnsafePointer<CChar>?
  private let abort: @convention(c) (Int32) -> Void
  private let end: @convention(c) () -> Int32

  init(path: String) throws(RanksError) {
    // Open MPI loads parts of itself that look for the rest among what everybody sees.
    guard let handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL) else {
      throw .cannotLoad(reason: dlerror().map { String(cString: $0) } ?? "it is not said why")
    }
    func function<Function>(_ name: String, _: Function.Type) throws(RanksError) -> Function {
      guard let symbol = dlsym(handle, name) else { throw .cannotLoad(reason: "it lacks \(name)") }
      return unsafeBitCast(symbol, to: Function.self)
    }
    open = try function(
      "moec_mpi_open", (@convention(c) () -> UnsafePointer<moec_exchange>?).self)
    error = try function("moec_mpi_error", (@convention(c) () -> UnsafePointer<CChar>?).self)
    abort = try function("moec_mpi_abort", (@convention(c) (Int32) -> Void).self)
    end = try function("moec_mpi_close", (@convention(c) () -> Int32).self)
    let library = try function(
      "moec_mpi_library", (@convention(c) () -> UnsafePointer<CChar>?).self)
    name = Self.shortened(library().map { String(cString: $0) } ?? "an MPI without a name")
  }

  var isOpenMPI: Bool { name.hasPrefix("Open MPI") }

  var failure: String? {
    let text = error().map { String(cString: $0) } ?? ""
    return text.isEmpty ? nil : text
  }

  func abort(_ message: String?, rank: Int) {
    if let message {
      FileHandle.standardError.write(Data("error: rank \(rank): \(message)\n".utf8))
    }
    // MPICH's mpiexec ends at once, and may not have read the line by then.
    usleep(200_000)
    abort(1)
  }

  func close() -> Bool { end() == 0 }

  /// `Open MPI v4.1.4, package: …` and `MPICH Version:      4.0.2` without what is no name.
  private static func shortened(_ text: String) -> String {
    let name = text.prefix { $0 != "," }.replacing("Version:", with: " ")
    return name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}
