/// An ordinary file that is small enough to be read as a whole.
public enum WholeFile {
  /// All bytes. Errors: absent, unreadable, a folder, a pipe or a device.
  public static func bytes(of path: String) throws(FileError) -> [UInt8] {
    let file = try InputFile(path: path)
    return try file.bytes(0..<file.size)
  }
}
