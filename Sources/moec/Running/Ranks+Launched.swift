import Driver
import Foundation
import Ranks
import Toolchain

extension Ranks {
  /// The ranks of which mpirun or srun started this process as one; one alone if neither did.
  ///
  /// The way to MPI is compiled if it has not been yet. Errors: `CompilationError` if there is no
  /// usable `mpicc`, `RanksError` if MPI fails or is another one than the launcher's.
  static func launched() throws -> Ranks {
    guard let launcher = Launcher.here(), launcher.count > 1 else { return .alone }
    do {
      let compiler = try MPICompiler.find(family: launcher.family, beside: Launcher.folder)
      return try compiler.withLibrary(of: mpiSources) { path in
        try mpi(library: path, launcher: launcher)
      }
    } catch let error as ToolchainError {
      throw CompilationError(error.description)
    }
  }
}
