// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "moec",
  products: [
    .executable(name: "moec", targets: ["moec"]),
    .library(name: "MoE", targets: ["MoE"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // The compiler: model.swift to graph to program to plan to C. One direction only.
    .target(name: "GraphIR"),
    .target(name: "JSON"),
    .target(name: "Words"),
    .target(name: "MoE", dependencies: ["GraphIR"]),
    .target(name: "Lint", dependencies: ["GraphIR"]),
    .target(name: "Passes", dependencies: ["GraphIR"]),
    .target(name: "Lowering", dependencies: ["GraphIR"]),
    .target(name: "Interpreter", dependencies: ["GraphIR", "Lowering"]),
    .target(name: "Planning", dependencies: ["GraphIR", "Words", "Lowering"]),
    .target(
      name: "Codegen",
      dependencies: ["GraphIR", "JSON", "Words", "Lowering", "Planning", "CKernels"]),

    // Files that moec carries in itself: what models' C is made of, and what its pages are.
    .target(name: "CCarried"),
    .target(
      name: "CKernels", dependencies: ["CCarried", "CModelABI"], exclude: ["kernels", "runtime"],
      cSettings: [.headerSearchPath(".")]),
    .target(
      name: "CPages", dependencies: ["CCarried"],
      exclude: ["page", "charts", "routes", "inspection"], cSettings: [.headerSearchPath(".")]),

    // The tools around it: compilers below, compiled libraries above.
    .target(name: "CModelABI"),
    .target(name: "CText"),
    .target(name: "SystemFiles"),
    .target(name: "Toolchain", dependencies: ["SystemFiles"]),

    // The one way from a model to its library.
    .target(
      name: "Driver",
      dependencies: [
        "GraphIR", "Words", "Passes", "Lowering", "Planning", "Codegen", "SystemFiles", "Toolchain",
      ]),
    .target(name: "ModelRuntime", dependencies: ["CModelABI", "SystemFiles"]),
    .target(name: "Exchange", dependencies: ["JSON", "SystemFiles", "ModelRuntime"]),
    .target(name: "Comparison", dependencies: ["GraphIR", "Interpreter", "ModelRuntime"]),
    .target(name: "Tracking", dependencies: ["SystemFiles"]),
    .target(name: "Page", dependencies: ["CPages"]),
    .target(name: "Charts", dependencies: ["Words", "CPages", "SystemFiles", "Page"]),
    .target(name: "Tokenizer", dependencies: ["JSON", "SystemFiles"]),
    .target(
      name: "Runner",
      dependencies: [
        "JSON", "Words", "CPages", "CText", "SystemFiles", "ModelRuntime", "Exchange", "Tracking",
        "Page", "Tokenizer",
      ]),
    .target(
      name: "Benchmark",
      dependencies: [
        "GraphIR", "Words", "Lowering", "Planning", "Codegen", "SystemFiles", "Toolchain", "Driver",
        "ModelRuntime",
      ]),
    .target(
      name: "Inspection",
      dependencies: [
        "GraphIR", "Words", "Lowering", "Planning", "Codegen", "CPages", "SystemFiles",
        "ModelRuntime", "Page", "Benchmark",
      ]),
    .executableTarget(
      name: "moec",
      dependencies: [
        "GraphIR", "JSON", "Words", "MoE", "Lint", "Passes", "Lowering", "Interpreter", "Planning",
        "Codegen", "SystemFiles", "Toolchain", "Driver", "ModelRuntime", "Exchange", "Comparison",
        "Tracking", "Charts", "Tokenizer", "Runner", "Benchmark", "Inspection",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Random models against the interpreter: for a minute in the tests, or as long as one likes.
    .target(
      name: "RandomModels",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Planning", "Toolchain", "Driver", "ModelRuntime", "Comparison",
      ]),
    .executableTarget(
      name: "moec-fuzz",
      dependencies: [
        "GraphIR", "RandomModels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Models that tests compile, a model in C, and what they are compared with.
    .target(name: "ModelFixtures", path: "Tests/ModelFixtures", exclude: ["bigram.c"]),
    .target(
      name: "CompiledModels",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Planning", "Codegen", "Toolchain", "Driver", "ModelRuntime",
        "Exchange", "Comparison", "ModelFixtures",
      ], path: "Tests/Support"),

    .testTarget(name: "GraphIRTests", dependencies: ["GraphIR", "ModelFixtures"]),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "ModelFixtures"]),
    .testTarget(name: "WordsTests", dependencies: ["Words"]),
    .testTarget(name: "MoETests", dependencies: ["GraphIR", "MoE", "moec", "ModelFixtures"]),
    .testTarget(name: "LintTests", dependencies: ["GraphIR", "MoE", "Lint", "Passes", "Planning"]),
    .testTarget(name: "PassesTests", dependencies: ["GraphIR", "MoE", "Passes", "Interpreter"]),
    .testTarget(
      name: "LoweringTests",
      dependencies: ["GraphIR", "Passes", "Lowering", "Interpreter", "CompiledModels"]),
    .testTarget(name: "InterpreterTests", dependencies: ["GraphIR", "Interpreter"]),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Lowering", "Planning", "ModelFixtures", "CompiledModels",
      ], exclude: ["Goldens"]),
    .testTarget(
      name: "CodegenTests",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Interpreter", "Planning", "Codegen", "CKernels", "CModelABI",
        "Toolchain", "Driver", "ModelRuntime", "Comparison", "ModelFixtures", "CompiledModels",
      ]),
    .testTarget(name: "KernelTests", dependencies: ["ModelFixtures"], exclude: ["checks"]),
    .testTarget(name: "SystemFilesTests", dependencies: ["SystemFiles", "ModelFixtures"]),
    .testTarget(name: "ToolchainTests", dependencies: ["Toolchain", "ModelFixtures"]),
    .testTarget(
      name: "ModelRuntimeTests", dependencies: ["SystemFiles", "ModelRuntime", "ModelFixtures"]),
    .testTarget(
      name: "ExchangeTests",
      dependencies: ["SystemFiles", "ModelRuntime", "Exchange", "ModelFixtures"]),
    .testTarget(name: "TrackingTests", dependencies: ["Tracking", "ModelFixtures"]),
    .testTarget(name: "PageTests", dependencies: ["CPages", "Page"]),
    .testTarget(
      name: "ChartsTests", dependencies: ["Charts", "moec", "ModelFixtures"], exclude: ["Goldens"]),
    .testTarget(
      name: "TokenizerTests", dependencies: ["Tokenizer", "ModelFixtures"], exclude: ["Fixtures"]),
    .testTarget(
      name: "RunnerTests",
      dependencies: [
        "Words", "SystemFiles", "ModelRuntime", "Exchange", "Tokenizer", "Runner", "moec",
        "ModelFixtures",
      ]),
    .testTarget(
      name: "BenchmarkTests",
      dependencies: [
        "GraphIR", "Planning", "Toolchain", "ModelRuntime", "Benchmark", "moec", "ModelFixtures",
      ]),
    .testTarget(
      name: "InspectionTests",
      dependencies: [
        "Toolchain", "ModelRuntime", "Benchmark", "Inspection", "moec", "ModelFixtures",
        "CompiledModels",
      ], exclude: ["browser.js"]),
    .testTarget(
      name: "MoecTests",
      dependencies: [
        "SystemFiles", "Driver", "moec", "ModelFixtures",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "RandomModelsTests",
      dependencies: ["GraphIR", "RandomModels", "ModelFixtures", "CompiledModels"]),
    .testTarget(
      name: "ExamplesTests",
      dependencies: [
        "moec", "ModelFixtures", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "DocsTests", dependencies: ["GraphIR", "Lint", "Passes", "moec", "ModelFixtures"]),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "GraphIR", "Lint", "Passes", "Planning", "Codegen", "ModelRuntime", "Runner", "moec",
        "ModelFixtures", "CompiledModels",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
