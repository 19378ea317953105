import Planning

/// The routers of a layer as a table in C.
struct RouterTable {
  private let layout: LayerUseLayout

  init(_ layout: LayerUseLayout) { self.layout = layout }

  var hasRows: Bool { layout.hasRouters }

  private var name: String { "\(layout.layer.name)_routers" }

  var text: String {
    let hasScope = layout.uses.contains { !$0.scope.isEmpty }
    let rows = layout.layer.routers.map { router in
      let name = router.scope.isEmpty && !hasScope ? "router" : router.scope
      let sizes = [router.experts, router.choices].map(CNames.size).joined(separator: ", ").text
      return "    {\(CNames.literal(name)), \(sizes)},"
    }
    return
      ([
        "// Routers of \(layout.layer.name): name, experts, choices of a token.",
        "static const model_router_row \(name)[] = {",
      ] + rows + ["};"]).joined(separator: "\n")
  }

  /// Lists those of use `l`.
  var call: String {
    let count = layout.layer.routers.count
    return "r = model_add_routers(r, \(name), \(count), \(UseScopes(layout).arguments));"
  }
}
