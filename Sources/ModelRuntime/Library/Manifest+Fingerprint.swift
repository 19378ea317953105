extension Manifest {
  /// What recordings and models are told apart by. Capacities are left out: routes can be replayed
  /// with another.
  package var fingerprint: String {
    var text = "\(batch) \(context)"
    for router in routers { text += ";\(router.name) \(router.experts) \(router.choices)" }
    for parameter in parameters { text += ";\(parameter.name) \(parameter.shape)" }
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
