/// What connects the ranks, each of which is a machine.
public enum Network: Hashable, Sendable {
  /// Machines around a switch that is never the bottleneck.
  ///
  /// - Parameters:
  ///   - bits: a second, in each direction.
  ///   - latency: seconds from a machine to another.
  case cluster(bits: Double, latency: Double)

  /// A platform in SimGrid's XML.
  case file(String)

  /// The platform of a cluster with so many machines; a link is passed on the way out and on the way in.
  static func platform(machines: Int, bits: Double, latency: Double) -> String {
    """
    <?xml version='1.0'?>
    <!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
    <platform version="4.1">
      <cluster id="cluster" prefix="node-" suffix="" radical="0-\(machines - 1)" speed="1Gf" \
    bw="\(bits / 8)Bps" lat="\(latency / 2)s"/>
    </platform>

    """
  }

  /// `100Gbit`, `10Gbit`, `25Gbps`, in bits a second; nil for other words.
  public static func bits(_ text: String) -> Double? {
    quantity(text, ["Gbit": 1e9, "Gbps": 1e9, "Mbit": 1e6, "Mbps": 1e6])
  }

  /// `2us`, `0.5ms`, in seconds; nil for other words.
  public static func seconds(_ text: String) -> Double? {
    quantity(text, ["ns": 1e-9, "us": 1e-6, "ms": 1e-3])
  }

  private static func quantity(_ text: String, _ units: [String: Double]) -> Double? {
    for (unit, factor) in units where text.lowercased().hasSuffix(unit.lowercased()) {
      guard let number = Double(text.dropLast(unit.count)), number > 0, number.isFinite else {
        return nil
      }
      return number * factor
    }
    return nil
  }
}
