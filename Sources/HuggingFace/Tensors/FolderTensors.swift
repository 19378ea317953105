import Exchange
import Foundation
import JSON
import SystemFiles

/// The tensors of a folder: of model.safetensors, or of the shards that model.safetensors.index.json lists.
struct FolderTensors {
  let path: String
  /// The files, all open.
  let files: [Safetensors]
  /// Every tensor with its file's number.
  private let places: [String: (file: Int, tensor: Safetensors.Tensor)]

  /// Errors: no weights, unreadable or damaged ones, a tensor that is in two files or not in the one that the
  /// index names.
  init(folder: String) throws(FolderError) {
    let paths = try FolderTensors.paths(folder)
    path = paths.count == 1 ? paths[0] : folder
    var files: [Safetensors] = []
    var places: [String: (file: Int, tensor: Safetensors.Tensor)] = [:]
    for path in paths {
      let file: Safetensors
      do {
        file = try Safetensors(path: path)
      } catch {
        throw .badWeights(error)
      }
      for tensor in file.tensors {
        guard places[tensor.name] == nil else {
          throw .unfit(path: folder, ["\(tensor.name) is in two files"])
        }
        places[tensor.name] = (files.count, tensor)
      }
      files.append(file)
    }
    (self.files, self.places) = (files, places)
  }

  var names: Set<String> { Set(places.keys) }

  func shape(of name: String) -> [Int]? { places[name]?.tensor.shape }

  func type(of name: String) -> Safetensors.DataType? { places[name]?.tensor.type }

  /// Some neighbouring numbers of a tensor.
  func numbers(_ name: String, _ range: Range<Int>) throws(FolderError) -> [Float] {
    guard let place = places[name] else { return [] }
    do {
      return try files[place.file].numbers(place.tensor, range)
    } catch {
      throw .badWeights(error)
    }
  }

  private static func paths(_ folder: String) throws(FolderError) -> [String] {
    let index = folder + "/model.safetensors.index.json"
    if FileManager.default.fileExists(atPath: index) { return try shards(index, folder) }
    let whole = folder + "/model.safetensors"
    if FileManager.default.fileExists(atPath: whole) { return [whole] }
    throw .missing(
      path: folder, what: "model.safetensors and no model.safetensors.index.json",
      hint:
        "older folders have pytorch_model.bin: load it in transformers and save_pretrained it again"
    )
  }

  private static func shards(_ index: String, _ folder: String) throws(FolderError) -> [String] {
    let members = try ConfigReader.object(index)["weight_map"]?.members ?? []
    let names = Set(members.map { $0.value.name ?? "" })
    guard !names.isEmpty else { throw .malformed(path: index, reason: "it has no weight_map") }
    for name in names
    where name.contains("/") || name.contains("\0") || !name.hasSuffix(".safetensors") {
      throw .malformed(path: index, reason: "its weight_map names what is no file beside it")
    }
    return names.sorted().map { "\(folder)/\($0)" }
  }
}
