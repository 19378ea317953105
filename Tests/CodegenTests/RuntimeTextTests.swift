import CKernels
import Foundation
import Testing

@testable import Codegen

/// The runtime's files, and what becomes of them in a model.
@Suite struct RuntimeTextTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/CKernels/runtime")

  private static let files: [String: String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.reduce(into: [:]) { files, name in
      files[name] = try? String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
  }()

  @Test("What stands for a word stays as it is, whatever the model calls its layers")
  func namesOfTheModel() {
    let text = RuntimeText(
      conditions: [],
      words: [
        .choiceCount: ["row(MODEL_ROUTER_COUNT, MODEL_EXPERT_COUNT);"], .routerCount: ["a"],
        .expertCount: ["MODEL_ROUTER_COUNT"],
      ])
    #expect(
      text.resolved("MODEL_CHOICE_COUNT") == "row(MODEL_ROUTER_COUNT, MODEL_EXPERT_COUNT);")
    #expect(
      text.resolved("MODEL_EXPERT_COUNT MODEL_ROUTER_COUNT MODEL_ROUTER_COUNT")
        == "MODEL_ROUTER_COUNT a a")
  }

  @Test("Lines of conditions are there or not, whatever stands between; other directives stay")
  func conditions() {
    let text = """
      one
      #ifdef _OPENMP
      #if MODEL_HAS_ROUTERS
      two = m->MODEL_ROUTER_COUNT;
      #ifdef OTHER
      three
      #else
      four
      #endif
      #else
      five
      #if MODEL_KEEPS_ROWS
      six
      #endif
      #endif
      #endif
          MODEL_CHOICE_COUNT

      """
    let with = RuntimeText(
      conditions: [.hasRouters],
      words: [.routerCount: ["end[0]"], .choiceCount: ["{1},", "{2},"]])
    #expect(
      with.resolved(text) == """
        one
        #ifdef _OPENMP
        two = m->end[0];
        #ifdef OTHER
        three
        #else
        four
        #endif
        #endif
            {1},
            {2},

        """)
    let without = RuntimeText(
      conditions: [.keepsRows], words: [.routerCount: [""], .choiceCount: []])
    #expect(without.resolved(text) == "one\n#ifdef _OPENMP\nfive\nsix\n#endif\n")
  }

  @Test("What moec bench asks for is the line behind its mark, which goes")
  func sites() {
    let text = RuntimeText(conditions: [], words: [:])
    let statements = text.statements(
      """
      one
      #if MODEL_HAS_ROUTERS
      #pragma moec update
      two
      #endif
      three
      #pragma omp parallel
      #pragma moec update
      four
      """)
    #expect(statements.lines == ["one", "three", "#pragma omp parallel", "four"])
    #expect(statements.sites.map(\.site) == [.update])
    #expect(statements.sites.map(\.lines) == [3..<4])
    let marks = Self.files.values.flatMap { text in
      text.matches(of: /\n#pragma moec[^\n]*/).map { String($0.output) }
    }
    #expect(
      marks.sorted() == [
        "\n#pragma moec update", "\n#pragma moec update", "\n#pragma moec update function",
      ])
  }

  /// A misspelt one would stay, and be false.
  @Test("No file asks for a condition that is not known, and all that are known are asked for")
  func names() {
    let asked = Self.files.values.flatMap { text in
      text.matches(of: /\n#(?:if|elif|ifdef|ifndef) !?(MODEL_[A-Z_]+)/).map { String($0.output.1) }
    }
    #expect(Set(asked) == Set(RuntimeText.Condition.allCases.map(\.rawValue)))
    for word in RuntimeText.Word.allCases {
      #expect(Self.files.values.contains { $0.contains(word.rawValue) }, "\(word)")
      // One that begins another would be found in it.
      let others = RuntimeText.Word.allCases.filter { $0 != word }.map(\.rawValue)
      #expect(!others.contains { $0.contains(word.rawValue) }, "\(word)")
    }
  }

  @Test("What moec carries are these files, all of them, and not of an earlier build")
  func carried() {
    let texts = [
      "adamw.c": runtime_adamw_c(),
      "creation.c": runtime_creation_c(),
      "evaluation.c": runtime_evaluation_c(),
      "documents.c": runtime_documents_c(),
      "expert_ranks.c": runtime_expert_ranks_c(),
      "expert_ranks.h": runtime_expert_ranks_h(),
      "interface.c": runtime_interface_c(),
      "interface.h": runtime_interface_h(),
      "manifest.c": runtime_manifest_c(),
      "moec_profile.c": runtime_moec_profile_c(),
      "moec_profile.h": runtime_moec_profile_h(),
      "ranks.c": runtime_ranks_c(),
      "ranks.h": runtime_ranks_h(),
      "ranks_step.c": runtime_ranks_step_c(),
      "routes.c": runtime_routes_c(),
      "routes.h": runtime_routes_h(),
      "tensors.c": runtime_tensors_c(),
      "training.c": runtime_training_c(),
      "update.c": runtime_update_c(),
      "update.h": runtime_update_h(),
    ]
    #expect(texts.compactMapValues { $0.map { String(cString: $0) } } == Self.files)
  }
}
