import Foundation

/// Folders that may not be there yet.
public enum NewFolder {
  /// Makes the folder in which a file is to lie; false if it was there, or cannot be made.
  public static func make(above path: String) -> Bool {
    let folder = FilePlace.split(path).folder
    return access(folder, F_OK) != 0 && make(folder) == 0
  }

  /// Makes a folder and those above it. Returns 0, also where it is there already, or -1 with the
  /// reason in `errno`, which Foundation keeps to itself.
  public static func make(_ path: String, mode: mode_t = 0o777) -> Int32 {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += part
      if mkdir(made, mode) != 0 {
        let code = errno
        var status = stat()
        // A link to nowhere is there, and leads to no folder.
        guard stat(made, &status) == 0 else {
          errno = code
          return -1
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
          errno = ENOTDIR
          return -1
        }
      }
      made += "/"
    }
    return 0
  }
}
