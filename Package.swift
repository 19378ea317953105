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
    // The compiler: model.swift to graph to plan to C. One direction only.
    .target(name: "GraphIR"),
    .target(name: "JSON"),
    .target(name: "MoE", dependencies: ["GraphIR"]),
    .target(name: "Lint", dependencies: ["GraphIR"]),
    .target(name: "Passes", dependencies: ["GraphIR"]),
    .target(name: "Lowering", dependencies: ["GraphIR"]),
    .target(name: "Interpreter", dependencies: ["GraphIR", "Lowering"]),
    .target(name: "Planning", dependencies: ["GraphIR", "Lowering"]),
    .target(
      name: "Codegen", dependencies: ["GraphIR", "Lowering", "Planning", "CKernels", "JSON"]),

    // Files that moec carries in itself: what models' C is made of, and what its pages are.
    .target(name: "CCarried"),
    .target(
      name: "CKernels", dependencies: ["CCarried", "CModelABI"], exclude: ["kernels", "runtime"],
      cSettings: [.headerSearchPath(".")]),
    .target(
      name: "CPages", dependencies: ["CCarried"],
      exclude: ["page", "charts", "routes", "inspection"],
      cSettings: [.headerSearchPath(".")]),

    // The tools around it: compilers below, compiled libraries above.
    .target(name: "CModelABI"),
    .target(name: "CText"),
    .target(name: "SystemFiles"),
    .target(name: "Toolchain", dependencies: ["SystemFiles"]),
    .target(name: "ModelRuntime", dependencies: ["CModelABI", "SystemFiles"]),
    .target(name: "Exchange", dependencies: ["JSON", "ModelRuntime", "SystemFiles"]),
    .target(name: "Comparison", dependencies: ["GraphIR", "Interpreter", "ModelRuntime"]),
    .target(name: "Tracking", dependencies: ["SystemFiles"]),
    .target(name: "Page", dependencies: ["CPages"]),
    .target(name: "Charts", dependencies: ["Page", "CPages", "SystemFiles"]),
    .target(name: "Tokenizer", dependencies: ["JSON", "SystemFiles"]),
    .target(
      name: "Runner",
      dependencies: [
        "CText", "Exchange", "JSON", "ModelRuntime", "SystemFiles", "Tokenizer", "Tracking",
        "Page", "CPages",
      ]),
    .target(
      name: "Benchmark",
      dependencies: [
        "GraphIR", "Lowering", "Planning", "Codegen", "Toolchain", "ModelRuntime",
      ]),
    .target(
      name: "Inspection",
      dependencies: [
        "GraphIR", "Lowering", "Planning", "Codegen", "ModelRuntime", "Benchmark", "Page",
        "CPages",
      ]),

    .executableTarget(
      name: "moec",
      dependencies: [
        "GraphIR", "MoE", "Lint", "Passes", "Interpreter", "Lowering", "Planning", "Codegen",
        "Toolchain", "ModelRuntime", "JSON", "Exchange", "Comparison", "Runner", "Tokenizer",
        "Tracking", "Benchmark", "Inspection",
        "Page", "Charts", "SystemFiles",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Random models against the interpreter: for a minute in the tests, or as long as one likes.
    .target(
      name: "RandomModels",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Interpreter", "Lowering", "Planning", "Codegen", "Toolchain",
        "ModelRuntime", "Comparison",
      ]),
    .executableTarget(
      name: "moec-fuzz",
      dependencies: [
        "RandomModels", "GraphIR", "Toolchain",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .testTarget(name: "GraphIRTests", dependencies: ["GraphIR", "ModelFixtures"]),
    .testTarget(name: "MoETests", dependencies: ["MoE", "ModelFixtures", "moec"]),
    .testTarget(name: "LintTests", dependencies: ["Lint", "Passes", "Planning", "MoE"]),
    .testTarget(name: "PassesTests", dependencies: ["Passes", "Interpreter", "MoE"]),
    .testTarget(name: "InterpreterTests", dependencies: ["Interpreter"]),
    .testTarget(
      name: "LoweringTests",
      dependencies: ["Lowering", "Interpreter", "Passes", "MoE", "CompiledModels"]),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "Lowering", "Planning", "Passes", "MoE", "ModelFixtures", "CompiledModels",
      ],
      exclude: ["Goldens"]),
    .testTarget(
      name: "CodegenTests",
      dependencies: [
        "Codegen", "CKernels", "Passes", "Interpreter", "Toolchain", "MoE", "ModelRuntime",
        "ModelFixtures", "CompiledModels", "moec",
      ]),
    // C beside C: compiled by the tests, for each instruction set.
    .testTarget(name: "KernelTests", dependencies: ["ModelFixtures"], exclude: ["checks"]),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "ModelFixtures"]),
    .testTarget(name: "SystemFilesTests", dependencies: ["SystemFiles", "ModelFixtures"]),
    .testTarget(name: "ToolchainTests", dependencies: ["Toolchain", "ModelFixtures", "moec"]),
    .testTarget(name: "PageTests", dependencies: ["Page", "CPages"]),
    .testTarget(
      name: "ChartsTests", dependencies: ["Charts", "ModelFixtures", "moec"],
      exclude: ["Goldens"]),
    .testTarget(
      name: "ModelRuntimeTests", dependencies: ["ModelRuntime", "SystemFiles", "ModelFixtures"]),
    .testTarget(
      name: "ExchangeTests",
      dependencies: ["Exchange", "ModelRuntime", "SystemFiles", "ModelFixtures"]),
    .testTarget(
      name: "BenchmarkTests",
      dependencies: [
        "Benchmark", "GraphIR", "Planning", "ModelRuntime", "Toolchain", "ModelFixtures", "moec",
      ]),
    .testTarget(
      name: "InspectionTests",
      dependencies: [
        "Inspection", "Page", "Benchmark", "ModelRuntime", "Toolchain", "ModelFixtures",
        "CompiledModels", "moec",
      ],
      exclude: ["browser.js"]),
    .testTarget(
      name: "TokenizerTests", dependencies: ["Tokenizer", "ModelFixtures"], exclude: ["Fixtures"]),
    .testTarget(
      name: "RunnerTests",
      dependencies: [
        "Runner", "Exchange", "ModelRuntime", "Tokenizer", "SystemFiles", "ModelFixtures", "moec",
      ]),
    .testTarget(name: "TrackingTests", dependencies: ["Tracking", "ModelFixtures", "moec"]),
    // A small model in C, compiled by the tests of whatever runs libraries.
    .target(name: "ModelFixtures", path: "Tests/ModelFixtures", exclude: ["bigram.c"]),
    .testTarget(
      name: "MoecTests",
      dependencies: [
        "moec", "ModelFixtures",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(name: "RandomModelsTests", dependencies: ["RandomModels", "CompiledModels"]),
    .testTarget(
      name: "ExamplesTests",
      dependencies: [
        "ModelFixtures", "moec",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "DocsTests",
      dependencies: ["GraphIR", "Lint", "Passes", "ModelFixtures", "moec"]),
    // Models that tests compile and load, and what they are compared with.
    .target(
      name: "CompiledModels",
      dependencies: [
        "MoE", "Passes", "Interpreter", "Codegen", "Toolchain", "ModelRuntime", "Exchange",
        "Comparison", "ModelFixtures",
      ],
      path: "Tests/Support"),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "moec", "Interpreter", "Codegen", "Lint", "Passes", "Planning", "Runner", "ModelFixtures",
        "CompiledModels",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
