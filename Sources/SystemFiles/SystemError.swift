import Foundation

/// What a person can do about the system's errors with files.
public enum SystemError {
  /// The system's words for an error number.
  public static func text(of code: Int32) -> String { String(cString: strerror(code)) }

  /// What to do about an error when reading or writing.
  public static func hint(for code: Int32, isReading: Bool = false) -> String {
    switch code {
    case ENOSPC: return "free some space there, or name a place on another disk"
    case EDQUOT: return "your quota there is used up: remove files of yours, or name another place"
    case EFBIG:
      return isReading
        ? "there is more than this may have: name another"
        : "files may not be so large there: see 'ulimit -f', or name a place on another disk"
    case EROFS: return "the file system there is read-only: name another place"
    case EACCES, EPERM:
      return isReading
        ? "check who may read it, and enter its folders"
        : "check who may write in its folder, or name another place"
    case ENOENT: return isReading ? "check the name" : "make the folder first"
    case ENOTDIR: return "a part of the path is a file, not a folder: check the name"
    case EISDIR: return "name a file, not a folder"
    case EINVAL: return "name an ordinary file"
    case EEXIST: return "name another place, or remove what is there first"
    case ENAMETOOLONG: return "give a shorter name"
    case ELOOP: return "links there lead in a circle: name the file itself"
    case ETXTBSY: return "end the program that runs from it, or name another place"
    case EMFILE, ENFILE: return "raise the number of open files with 'ulimit -n'"
    case EPIPE: return "what reads the output ended early"
    default: return "check the disk and its file system, or name another place"
    }
  }
}
