/// What this example reads of a library's manifest.
struct Manifest: Decodable {
  struct Parameter: Decodable {
    var shape: [Int]
  }

  struct Defaults: Decodable {
    var learning_rate: Float
    var beta1: Float
    var beta2: Float
    var epsilon: Float
    var weight_decay: Float

    /// The numbers of a training step, whose seed is still to be set.
    var hyper: moec_hyper {
      moec_hyper(
        learning_rate: learning_rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
        weight_decay: weight_decay, seed: 0)
    }
  }

  var batch: Int
  var context: Int
  var vocabulary: Int
  var parameters: [Parameter]
  var defaults: Defaults
}
