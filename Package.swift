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
    .target(name: "Words"),
    .target(name: "GraphIR", dependencies: ["Words"]),
    .target(name: "JSON"),
    .target(name: "MoE", dependencies: ["GraphIR", "Words"]),
    .target(name: "Lint", dependencies: ["GraphIR"]),
    .target(name: "Passes", dependencies: ["GraphIR", "Words"]),
    .target(name: "Lowering", dependencies: ["GraphIR"]),
    .target(name: "Interpreter", dependencies: ["GraphIR", "Lowering"]),
    .target(name: "Planning", dependencies: ["GraphIR", "Lowering", "Words"]),
    .target(
      name: "Codegen",
      dependencies: ["GraphIR", "Lowering", "Planning", "CKernels", "JSON", "Words"]),

    // Files that moec carries in itself: what models' C is made of, and what its pages are.
    .target(name: "CCarried"),
    .target(
      name: "CKernels", dependencies: ["CCarried", "CModelABI"], exclude: ["kernels", "runtime"],
      cSettings: [.headerSearchPath(".")]),
    .target(
      name: "CPages", dependencies: ["CCarried"],
      exclude: ["page", "charts", "routes", "search", "inspection"],
      cSettings: [.headerSearchPath(".")]),

    // The tools around it: compilers below, compiled libraries above.
    .target(name: "CModelABI"),
    .target(name: "CText"),
    .target(name: "SystemFiles"),
    .target(name: "Toolchain", dependencies: ["SystemFiles"]),
    // The one way from a model to its library.
    .target(
      name: "Driver",
      dependencies: [
        "GraphIR", "Passes", "Lowering", "Planning", "Codegen", "SystemFiles", "Toolchain", "Words",
      ]),
    .target(name: "ModelRuntime", dependencies: ["CModelABI", "SystemFiles", "Words"]),
    // How ranks of one model reach each other: threads of a process, or processes under MPI.
    .target(
      name: "CRanks", dependencies: ["CCarried", "CModelABI"], exclude: ["mpi", "simulated"],
      cSettings: [.headerSearchPath(".")]),
    .target(name: "Ranks", dependencies: ["CModelABI", "CRanks", "SystemFiles"]),
    .target(name: "Exchange", dependencies: ["JSON", "ModelRuntime", "SystemFiles", "Words"]),
    .target(
      name: "Comparison", dependencies: ["CModelABI", "GraphIR", "Interpreter", "ModelRuntime"]),
    .target(name: "Tracking", dependencies: ["SystemFiles"]),
    .target(name: "Page", dependencies: ["CPages"]),
    .target(name: "Charts", dependencies: ["Page", "CPages", "SystemFiles", "Words"]),
    .target(name: "Tokenizer", dependencies: ["JSON", "SystemFiles"]),
    .target(name: "Chat", dependencies: ["JSON", "SystemFiles"]),
    // Models of Hugging Face's transformers, there and back.
    .target(
      name: "HuggingFace", dependencies: ["GraphIR", "Exchange", "JSON", "SystemFiles", "Words"]),
    // A dense model's weights as those of a mixture.
    .target(
      name: "Upcycling",
      dependencies: ["GraphIR", "Interpreter", "Exchange", "SystemFiles", "Words"]),
    .target(
      name: "Runner",
      dependencies: [
        "CText", "Chat", "Exchange", "JSON", "ModelRuntime", "Ranks", "SystemFiles", "Tokenizer",
        "Tracking", "Page", "CPages", "Words",
      ]),
    // What an update would take on many machines.
    .target(
      name: "Simulation",
      dependencies: ["GraphIR", "Planning", "Benchmark", "CRanks", "Toolchain"]),
    // Trials of many settings, and the Python that Optuna is asked through.
    .target(
      name: "CSearch", dependencies: ["CCarried"], exclude: ["helper"],
      cSettings: [.headerSearchPath(".")]),
    .target(
      name: "Search",
      dependencies: ["CSearch", "CPages", "JSON", "Page", "SystemFiles", "Toolchain", "Words"]),
    .target(
      name: "Benchmark",
      dependencies: [
        "GraphIR", "Lowering", "Planning", "Codegen", "Driver", "ModelRuntime", "SystemFiles",
        "Toolchain", "Words",
      ]),
    .target(
      name: "Inspection",
      dependencies: [
        "GraphIR", "Lowering", "Planning", "Codegen", "ModelRuntime", "Benchmark", "Page", "CPages",
        "SystemFiles", "Words",
      ]),

    .executableTarget(
      name: "moec",
      dependencies: [
        "GraphIR", "Words", "MoE", "Lint", "Passes", "Interpreter", "Lowering", "Planning",
        "Codegen", "SystemFiles", "Toolchain", "Driver", "ModelRuntime", "JSON", "Exchange",
        "Comparison", "Tracking", "Charts", "Chat", "Tokenizer", "HuggingFace", "Ranks", "Runner",
        "Search", "Benchmark", "Simulation", "Inspection", "Upcycling",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // Random models against the interpreter: for a minute in the tests, or as long as one likes.
    .target(
      name: "RandomModels",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Lowering", "Interpreter", "Planning", "Toolchain", "Driver",
        "ModelRuntime", "Comparison", "Ranks", "Words",
      ]),
    .executableTarget(
      name: "moec-fuzz",
      dependencies: [
        "RandomModels", "GraphIR", "ModelRuntime",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    .testTarget(name: "GraphIRTests", dependencies: ["GraphIR", "ModelFixtures"]),
    .testTarget(
      name: "MoETests",
      dependencies: ["GraphIR", "MoE", "ModelFixtures", "CompiledModels", "moec"]),
    .testTarget(name: "LintTests", dependencies: ["GraphIR", "MoE", "Lint", "Passes", "Planning"]),
    .testTarget(
      name: "PassesTests",
      dependencies: ["GraphIR", "MoE", "Passes", "Interpreter", "Words", "CompiledModels"]),
    .testTarget(name: "InterpreterTests", dependencies: ["GraphIR", "Interpreter"]),
    .testTarget(
      name: "LoweringTests",
      dependencies: ["GraphIR", "Passes", "Interpreter", "Lowering", "CompiledModels"]),
    .testTarget(
      name: "PlanningTests",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Lowering", "Planning", "ModelFixtures", "CompiledModels",
      ],
      exclude: ["Goldens"]),
    .testTarget(
      name: "CodegenTests",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Interpreter", "Lowering", "Planning", "Codegen", "CKernels",
        "CModelABI", "Toolchain", "Driver", "ModelRuntime", "Comparison", "ModelFixtures", "Ranks",
        "RanksProgram", "Words", "CompiledModels",
      ]),
    // C beside C: compiled by the tests, for each instruction set.
    .testTarget(name: "KernelTests", dependencies: ["ModelFixtures"], exclude: ["checks"]),
    .testTarget(name: "WordsTests", dependencies: ["Words"]),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "ModelFixtures"]),
    .testTarget(name: "SystemFilesTests", dependencies: ["SystemFiles", "ModelFixtures"]),
    .testTarget(name: "ToolchainTests", dependencies: ["Toolchain", "ModelFixtures"]),
    .testTarget(
      name: "RanksTests",
      dependencies: ["Ranks", "RanksProgram", "CModelABI", "SystemFiles", "ModelFixtures"]),
    // Random exchanges and routings, for tests and for what they start under mpirun.
    .executableTarget(
      name: "RanksProgram", dependencies: ["Ranks", "Toolchain", "CModelABI", "ModelRuntime"],
      path: "Tests/RanksProgram"),
    .testTarget(
      name: "SimulationTests",
      dependencies: [
        "Simulation", "Planning", "Toolchain", "CompiledModels", "ModelFixtures", "moec",
      ]),
    .testTarget(name: "PageTests", dependencies: ["Page", "CPages"]),
    .testTarget(
      name: "ChartsTests", dependencies: ["Charts", "ModelFixtures", "moec"],
      exclude: ["Goldens"]),
    .testTarget(
      name: "ModelRuntimeTests", dependencies: ["ModelRuntime", "SystemFiles", "ModelFixtures"]),
    .testTarget(
      name: "ExchangeTests",
      dependencies: ["Exchange", "ModelRuntime", "SystemFiles", "ModelFixtures"]),
    .testTarget(name: "ChatTests", dependencies: ["Chat"], exclude: ["Fixtures"]),
    .testTarget(
      name: "HuggingFaceTests",
      dependencies: [
        "HuggingFace", "Comparison", "Exchange", "GraphIR", "JSON", "Passes", "Interpreter",
        "Driver", "Toolchain",
        "Tokenizer", "ModelRuntime", "Upcycling", "Words",
        "ModelFixtures", "CompiledModels", "moec",
      ]),
    .testTarget(
      name: "UpcyclingTests",
      dependencies: [
        "Upcycling", "Exchange", "GraphIR", "MoE", "Interpreter", "Passes", "ModelRuntime",
        "CompiledModels",
      ]),
    .testTarget(
      name: "BenchmarkTests",
      dependencies: [
        "Benchmark", "GraphIR", "Planning", "ModelRuntime", "Toolchain", "ModelFixtures", "moec",
      ]),
    .testTarget(
      name: "InspectionTests",
      dependencies: [
        "Toolchain", "ModelRuntime", "Benchmark", "Inspection", "ModelFixtures", "CompiledModels",
        "moec",
      ],
      exclude: ["browser.js"]),
    .testTarget(
      name: "TokenizerTests", dependencies: ["Tokenizer", "ModelFixtures"], exclude: ["Fixtures"]),
    .testTarget(
      name: "RunnerTests",
      dependencies: [
        "Runner", "Chat", "Exchange", "JSON", "ModelRuntime", "Tokenizer", "SystemFiles",
        "ModelFixtures", "Words", "moec",
      ]),
    .testTarget(
      name: "SearchTests",
      dependencies: ["Search", "ModelFixtures"],
      exclude: ["surface.jsonl"]),
    .testTarget(name: "TrackingTests", dependencies: ["Tracking", "ModelFixtures"]),
    // A small model in C, compiled by the tests of whatever runs libraries.
    .target(
      name: "ModelFixtures", dependencies: ["Toolchain"], path: "Tests/ModelFixtures",
      exclude: ["bigram.c"]),
    .testTarget(
      name: "MoecTests",
      dependencies: [
        "SystemFiles", "Driver", "ModelFixtures", "moec",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "RandomModelsTests",
      dependencies: [
        "GraphIR", "RandomModels", "ModelFixtures", "CompiledModels", "Passes", "Planning",
      ]),
    .testTarget(
      name: "ExamplesTests",
      dependencies: [
        "ModelFixtures", "moec",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .testTarget(
      name: "DocsTests",
      dependencies: ["GraphIR", "Lint", "Lowering", "Passes", "ModelFixtures", "moec"]),
    // Models that tests compile and load, and what they are compared with.
    .target(
      name: "CompiledModels",
      dependencies: [
        "GraphIR", "MoE", "Passes", "Planning", "Codegen", "Toolchain", "Driver", "ModelRuntime",
        "Exchange", "Comparison", "ModelFixtures",
      ],
      path: "Tests/Support"),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "GraphIR", "Lint", "MoE", "Passes", "Planning", "Codegen", "ModelRuntime", "Runner",
        "Search", "ModelFixtures", "CompiledModels", "moec",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
