import Codegen
import CompiledModels
import Foundation
import ModelFixtures
import Testing
import Toolchain

/// What OpenMP of gcc does not do by itself: to be closed while its threads wait, and to be forked.
@Suite struct GccLibraryTests {
  private static let gcc: CCompiler? = {
    let search = CCompilerSearch(preferred: "gcc", cache: ContentCache(folder: nil))
    guard let compiler = try? search.choose().compiler, compiler.openMPFlags != nil,
      !compiler.version.contains("clang")
    else { return nil }
    return compiler
  }()

  @Test(
    "A child goes on with its parent's model, and a closed library does no harm",
    .enabled(if: gcc != nil, "no gcc with OpenMP here"))
  func forksAndCloses() throws {
    let gcc = try #require(Self.gcc)
    let code = GeneratedModel(
      try Pipelines.plan(MakeMoE("forked") { ($0.B, $0.T, $0.C) = (8, 32, 48) }.graph()),
      .init(sourceName: "forked.swift"))
    let folder = try CompiledModel.write(code)
    try Data(Self.driver.utf8).write(to: folder.appendingPathComponent("driver.c"))
    let lines = [
      try gcc.commandLine(sources: code.sources, output: "libforked.so")
        .replacingOccurrences(of: " -O3 ", with: " -O1 "),
      "\(gcc.path) -Wall -Wextra driver.c -o driver -ldl",
      // Threads that wait at full speed are in the library at every moment.
      "OMP_WAIT_POLICY=active ./driver ./libforked.so",
    ]
    for line in lines {
      let result = try Command.run("/bin/sh", ["-c", line], in: folder.path)
      #expect(result.status == 0 && result.errors == "", "\(line)\n\(result.errors)")
    }
  }

  static let driver = #"""
    #include "moec_model.h"
    #include <dlfcn.h>
    #include <sys/wait.h>
    #include <unistd.h>

    typedef float step_function(moec_model *, const int32_t *, const int32_t *, const moec_hyper *);

    int main(int count, char **words) {
        static int32_t tokens[256];
        void *library = dlopen(words[count - 1], RTLD_NOW);
        if (!library) { return 2; }
        moec_model *(*create)(void) = (moec_model *(*)(void))dlsym(library, "moec_create");
        int (*set_threads)(moec_model *, int) = (int (*)(moec_model *, int))dlsym(library, "moec_set_threads");
        step_function *step = (step_function *)dlsym(library, "moec_train_step");
        moec_hyper hyper = {1e-3f, .9f, .999f, 1e-8f, .01f, 1};
        moec_model *model = create();
        set_threads(model, 3);
        step(model, tokens, tokens, &hyper);
        alarm(60);
        int child = fork(), status = 1;
        if (!child) {
            alarm(20);
            float loss = step(model, tokens, tokens, &hyper);
            _exit(loss == loss ? 0 : 3);
        }
        waitpid(child, &status, 0);
        if (status) { return 4; }
        step(model, tokens, tokens, &hyper);
        dlclose(library);
        usleep(200000);
        return 0;
    }

    """#
}
