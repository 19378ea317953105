import GraphIR
import Planning

/// The parameters of a layer as a table in C: a row for each, whichever use it belongs to.
struct ParameterTable {
  private let layer: Layer
  private let scopes: UseScopes

  /// The rows of one use after the other; of the first alone, where all have the same.
  private let rows: [String]
  private let isShared: Bool

  /// Of each use's parameters the first that the model makes; nil where they lie as they are made.
  private let drawnAs: UseNumbers?

  init(_ layout: LayerUseLayout, of context: Context) {
    layer = layout.layer
    let plan = context.plan
    let parameters = layout.uses.map { use in
      Array(
        plan.parameters[use.firstParameter..<use.firstParameter + layout.layer.parameters.count])
    }
    scopes = UseScopes(layout, names: parameters.map { $0.map(\.name) })
    let firsts = parameters.map { $0.filter(\.isDrawn).map(\.number).min() ?? 0 }
    let reorders = context.reorders
    drawnAs =
      reorders ? UseNumbers(firsts, table: "\(layout.layer.name)_places_drawn_as") : nil
    let rows = zip(zip(parameters, scopes.localNames), firsts).map { named, first in
      zip(named.0, named.1).map { parameter, name in
        let number = parameter.isDrawn ? parameter.number - first : 0
        return Self.row(
          parameter, name, drawnAs: reorders ? number : nil, sharesExperts: plan.sharesExperts)
      }
    }
    isShared = rows.dropFirst().allSatisfy { $0 == rows.first }
    self.rows = isShared ? rows.first ?? [] : rows.flatMap(\.self)
  }

  var hasRows: Bool { !layer.parameters.isEmpty }

  /// Whether rows are told by the table of the uses' paths.
  var namesUses: Bool { hasRows && scopes.table != nil }

  private var name: String { "\(layer.name)_parameters" }

  var text: String {
    let note =
      "    // name, stack, outputs, inputs, what holds for it, steps of AdamW, first values"
      + (drawnAs == nil ? "" : ", drawn as")
    return
      ((drawnAs?.table.map { [$0, ""] } ?? []) + [
        "// Parameters of \(layer.name), in the order in which they lie.",
        "static const model_parameter_row \(name)[] = {", note,
      ] + rows.map { "    \($0)," } + ["};"]).joined(separator: "\n")
  }

  /// Lists those of use `l`.
  var call: String {
    let first = isShared ? name : "\(name) + \(layer.parameters.count) * l"
    let number = drawnAs.map { ", " + ($0.table == nil ? "" : "(int)") + $0.expression } ?? ""
    return
      "q = model_add_parameters(q, \(first), \(layer.parameters.count), \(scopes.arguments)\(number));"
  }

  private static func row(
    _ parameter: PlannedParameter, _ name: String, drawnAs: Int?, sharesExperts: Bool
  ) -> String {
    let flags = [
      ("PANELS", parameter.layout != .rowMajor), ("LEARNS", parameter.update.isLearned),
      ("DECAYS", parameter.decays), ("IN_BACKWARD", parameter.update == .adamWInBackward),
      ("STATE", parameter.update == .rule), ("BY_RANK", sharesExperts && parameter.stepCount > 1),
    ].filter(\.1).map(\.0)
    let fields =
      [CNames.literal(name)] + matrix(parameter)
      + [flags.isEmpty ? "0" : flags.joined(separator: " | "), steps(parameter)]
      + initial(parameter.initializer) + (drawnAs.map { ["\($0)"] } ?? [])
    return "{" + fields.joined(separator: ", ") + "}"
  }

  private static func matrix(_ parameter: PlannedParameter) -> [String] {
    let type = parameter.type
    switch parameter.layout {
    case .rowMajor: return ["1", CNames.rows(type).text, CNames.width(type).text]
    case .panels:
      let sizes = type.axes.map { CNames.size($0).text }
      return sizes.count == 3 ? sizes : ["1"] + sizes
    }
  }

  private static func steps(_ parameter: PlannedParameter) -> String {
    guard let axis = parameter.type.axes.first, parameter.stepCount > 1 else {
      return "\(parameter.stepCount)"
    }
    return axis.size == parameter.stepCount ? CNames.size(axis).text : "\(parameter.stepCount)"
  }

  private static func initial(_ initializer: Initializer) -> [String] {
    switch initializer.distribution {
    case .constant(let value): ["CONSTANT", CNames.float(value)]
    case .normal(let deviation): ["NORMAL", CNames.float(deviation)]
    case .uniform(let bound): ["UNIFORM", CNames.float(bound)]
    }
  }
}

extension PlannedParameter {
  /// Whether its first values are random.
  var isDrawn: Bool {
    switch initializer.distribution {
    case .constant: false
    case .normal, .uniform: true
    }
  }
}
