import Foundation
import SystemFiles

extension NameMap {
  /// Maps that need no file, by name.
  public static let builtIn = ["makemoe": makemoe]

  /// One of `builtIn`, or a file's. Errors: no such thing, or a line that makes no sense.
  public static func named(_ name: String) throws(NameMapError) -> NameMap {
    if let text = builtIn[name] { return try NameMap(text, path: name) }
    guard FileManager.default.fileExists(atPath: name) else { throw .unknown(name: name) }
    let bytes: [UInt8]
    do {
      bytes = try WholeFile.bytes(of: name)
    } catch {
      throw .unreadable(error)
    }
    if TextBytes.isUTF16(bytes) {
      throw .badLine(path: name, line: 1, reason: "the file is UTF-16, not UTF-8")
    }
    return try NameMap(String(decoding: bytes, as: UTF8.self), path: name)
  }

  /// makeMoE in PyTorch: a module for each head and each expert.
  static let makemoe = """
    # moec                                               makeMoE in PyTorch
    token.weight                                         token_embedding_table.weight
    position.weight                                      position_embedding_table.weight
    block.{l}.{attention,mixture}.norm.{weight,bias}     blocks.{l}.{ln1,ln2}.{weight,bias}
    block.{l}.attention.{query,key,value}.weight         blocks.{l}.sa.heads.{h}.{query,key,value}.weight  concatenate h
    block.{l}.attention.proj.{weight,bias}               blocks.{l}.sa.proj.{weight,bias}
    block.{l}.mixture.gate.{weight,bias}                 blocks.{l}.smoe.router.topkroute_linear.{weight,bias}
    block.{l}.mixture.noise.{weight,bias}                blocks.{l}.smoe.router.noise_linear.{weight,bias}  optional
    block.{l}.mixture.{up,down}.{weight,bias}            blocks.{l}.smoe.experts.{e}.net.{0,2}.{weight,bias}  stack e
    final.{weight,bias}                                  ln_f.{weight,bias}
    head.{weight,bias}                                   lm_head.{weight,bias}

    # Heads are cut apart by the model's axis H, noted in what moec saves; else give --set h=8.
    count h axis H
    # The causal mask that each head keeps.
    triangle blocks.{l}.sa.heads.{h}.tril of position.weight

    """
}
