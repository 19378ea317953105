import CompiledModels
import Foundation
import ModelFixtures
import Testing

/// Several ranks train one model: the same bits as one, in every file that they leave.
@Suite(.serialized) struct RanksRunTests {
  private func run(_ options: [String], library: String = "libsmall.so") throws -> Command {
    let data = options.contains("--generate") ? [] : ["--data", "text.txt"]
    return try Moec.run(["run", library] + data + options, in: RanksModel.folder.get())
  }

  private func train(_ name: String, _ options: [String]) throws -> (weights: Data, log: String) {
    let path = try ModelFixture.folder() + "/" + name
    return try train(at: path, options)
  }

  private func train(
    at path: String, _ options: [String], library: String = "libsmall.so"
  ) throws -> (weights: Data, log: String) {
    let result = try run(
      ["--train", "--eval-interval", "3", "--eval-batches", "5", "--clip", "0.5", "--ema", "0.9"]
        + ["--save", path + ".safetensors", "--log", path + ".jsonl"] + options, library: library)
    try #require(result.status == 0, "\(result.errors)")
    let log = try String(contentsOfFile: path + ".jsonl", encoding: .utf8)
    return (
      try Data(contentsOf: URL(fileURLWithPath: path + ".safetensors")),
      log.replacing(/"seconds":[0-9.]+,/, with: "")
    )
  }

  @Test("Weights, moments, states and the log are those of one process", arguments: [2, 3, 6])
  func sameBits(ranks: Int) throws {
    let options = ["--steps", "7", "--accumulate", "6"]
    let alone = try train("alone", options)
    let together = try train("together", options + ["--ranks", "\(ranks)"])
    #expect(alone.weights == together.weights)
    #expect(alone.log == together.log && alone.log.contains("block.0.balance"))
  }

  @Test("Ranks agree on whether anything is saved", arguments: ["--save", "--log", "--run", ""])
  func whatIsKept(option: String) throws {
    let path = try ModelFixture.folder() + "/kept"
    let losses = try ["1", "2"].map { ranks in
      let kept = option.isEmpty ? ["--no-save"] : [option, path + ranks]
      let result = try run(
        ["--train", "--steps", "4", "--accumulate", "2", "--eval-interval", "2", "--quiet"]
          + ["--eval-batches", "2", "--ranks", ranks] + kept)
      #expect(result.status == 0, "\(result.errors)")
      return result.output
    }
    #expect(losses[0] == losses[1] && losses[0].contains("step 3: "))
  }

  @Test("So they are where ranks share out the experts", arguments: [2, 4])
  func sharedExperts(ranks: Int) throws {
    let options = ["--steps", "7", "--accumulate", "4"]
    let alone = try train("alone", options)
    let path = try ModelFixture.folder() + "/shared"
    let together = try train(
      at: path, options + ["--ranks", "\(ranks)"], library: "libshared.so")
    #expect(alone.weights == together.weights)
    #expect(alone.log == together.log)
    let average = try Data(contentsOf: URL(fileURLWithPath: path + ".ema.safetensors"))
    #expect(!average.isEmpty)
    // Evaluation and texts, of which nobody says anything but the first rank.
    for task in [["--evaluate", "--eval-batches", "3"], ["--generate", "--tokens", "30"]] {
      let options = task + ["--weights", path + ".safetensors"]
      let plain = try run(options)
      let shared = try run(options + ["--ranks", "\(ranks)"], library: "libshared.so")
      #expect(shared.status == 0 && shared.output == plain.output, "\(shared)")
    }
  }

  @Test("A library whose experts ranks share out says how many it wants")
  func wrongNumber() throws {
    for (options, word) in [([], "this is one process"), (["--ranks", "3"], "3 ranks cannot")] {
      let result = try run(
        ["--train", "--no-save", "--steps", "1", "--accumulate", "6"] + options,
        library: "libshared.so")
      #expect(result.status == 1 && result.errors.contains(word), "\(result)")
      #expect(result.errors.contains("mpirun -np 2"), "\(result)")
      #expect(result.errors.components(separatedBy: "error:").count == 2, "\(result)")
    }
    let odd = try run(
      ["--train", "--no-save", "--steps", "1", "--accumulate", "6", "--ranks", "2"],
      library: "libshared.so")
    #expect(odd.errors.contains("are no power of two"), "\(odd)")
    let text = try run(["--route", "the cat"], library: "libshared.so")
    #expect(text.errors.contains("this is one process"), "\(text)")
  }

  @Test("A run goes on with another number of ranks")
  func resumed() throws {
    let whole = try train("whole", ["--steps", "9", "--accumulate", "6"])
    let path = try ModelFixture.folder() + "/part"
    _ = try train(at: path, ["--steps", "4", "--accumulate", "6", "--ranks", "2"])
    let resume = ["--resume", path + ".safetensors"]
    _ = try train(at: path, ["--steps", "6", "--ranks", "3"] + resume)
    let part = try train(at: path, ["--steps", "9"] + resume)
    #expect(part.weights == whole.weights)
  }

  @Test("Evaluation gives the same losses, whoever has which batch", arguments: [2, 3, 4])
  func evaluated(ranks: Int) throws {
    let options = ["--evaluate", "--eval-batches", "3"]
    let alone = try run(options)
    let together = try run(options + ["--ranks", "\(ranks)"])
    #expect(alone.status == 0 && together.status == 0, "\(together.errors)")
    #expect(alone.output == together.output && alone.output.contains("val loss"))
  }

  @Test("What a rank takes of the processors is no setting of the run")
  func settings() throws {
    let path = try ModelFixture.folder() + "/w"
    _ = try train(at: path, ["--steps", "2", "--accumulate", "2", "--ranks", "2"])
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    let name = try #require(files.first { $0.hasSuffix(".json") }, "\(files)")
    let settings = try String(contentsOfFile: folder + "/" + name, encoding: .utf8)
    #expect(settings.contains("\"ranks\"") && !settings.contains("\"threads\""), "\(settings)")
  }

  @Test("Batches that cannot be shared out are refused, with a number that can")
  func uneven() throws {
    for (batches, next) in [(nil, "4"), ("6", "8")] {
      let options = batches.map { ["--accumulate", $0] } ?? []
      let result = try run(["--train", "--no-save", "--steps", "2", "--ranks", "4"] + options)
      #expect(result.status == 1 && result.errors.contains("cannot be shared out among 4 ranks"))
      #expect(result.errors.contains("hint: add --accumulate \(next)"), "\(result.errors)")
      #expect(result.errors.components(separatedBy: "error:").count == 2, "\(result.errors)")
    }
  }

  @Test("What several ranks cannot do is refused")
  func refused() throws {
    let folder = try ModelFixture.folder()
    let routes = try run([
      "--train", "--no-save", "--steps", "2", "--accumulate", "2", "--ranks", "2", "--record",
      folder + "/routes",
    ])
    #expect(routes.status == 1 && routes.errors.contains("neither record routes nor replay them"))
    let typed = try run(["--generate", "--interactive", "--ranks", "2"])
    #expect(typed.status == 64, "\(typed.errors)")
  }

  @Test("Where the first rank cannot save, all end, with one error", .timeLimit(.minutes(1)))
  func unwritable() throws {
    let result = try run([
      "--train", "--steps", "4", "--accumulate", "2", "--ranks", "2", "--save",
      "/proc/none/w.safetensors",
    ])
    #expect(result.status == 1)
    #expect(result.errors.components(separatedBy: "error:").count == 2, "\(result.errors)")
  }

  @Test(
    "A signal to any of the processes under MPI ends all of them after the step, saved",
    .timeLimit(.minutes(2)))
  func interrupted() throws {
    let script = """
      export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
      export OMPI_MCA_rmaps_base_oversubscribe=1
      moec=$0
      for mpi in openmpi mpich; do
        command -v mpirun.$mpi > /dev/null && command -v mpicc.$mpi > /dev/null || continue
        echo run
        set -- "$moec" run libsmall.so --train --data text.txt --steps 1000000 --accumulate 2
        set -- "$@" --eval-batches 1 --eval-interval 1000000 --save $mpi.safetensors
        timeout 50 mpirun.$mpi -np 1 "$@" : -np 1 sh -c 'echo $$ > pid; exec "$0" "$@"' "$@" 2> said &
        while kill -0 $! && ! test -e $mpi.safetensors; do sleep 0.1; done
        sleep 0.3
        kill -INT $(cat pid)
        wait $!
        echo "status $?"
        cat said >&2
        grep -o "stopped at step .* of 1,000,000, saved in $mpi" said | wc -l
      done
      """
    let result = try Command.shell(script, in: RanksModel.folder.get())
    let runs = result.output.components(separatedBy: "run\n").dropFirst()
    for run in runs { #expect(run.hasSuffix("status 143\n1\n"), "\(run)\(result.errors)") }
  }

  @Test("Ctrl-C says how to go on with as many ranks", .timeLimit(.minutes(1)))
  func goesOn() throws {
    let script = """
      "$0" run libsmall.so --train --data text.txt --steps 1000000 --accumulate 2 --ranks 2 \
        --eval-batches 1 --eval-interval 1000000 --save on.safetensors 2> on &
      while kill -0 $! && ! test -e on.safetensors; do sleep 0.1; done
      kill -INT $!
      wait $!
      echo "status $?"
      grep "go on with:" on
      """
    let result = try Command.shell(script, in: RanksModel.folder.get())
    #expect(result.output.contains("status 130\n"), "\(result)")
    #expect(result.output.contains(" --ranks 2"), "\(result)")
  }

  @Test("More ranks than the memory that there may be are refused", .timeLimit(.minutes(1)))
  func memory() throws {
    let script = """
      ulimit -v 8000000
      exec "$0" run libsmall.so --train --data text.txt --steps 1 --accumulate 1000 --no-save --ranks 1000
      """
    let result = try Command.shell(script, in: RanksModel.folder.get())
    #expect(result.errors.hasPrefix("error: there is no memory for 1,000 ranks: "), "\(result)")
  }

  @Test("Where there is no mpicc that is one error, said in one way", .timeLimit(.minutes(1)))
  func withoutCompiler() throws {
    let script = """
      export OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=0 PMIX_RANK=0 MOEC_MPICC=/no/mpicc
      exec "$0" run libsmall.so --train --data text.txt --steps 1 --accumulate 2 --no-save
      """
    let result = try Command.shell(script, in: RanksModel.folder.get())
    #expect(result.errors.hasPrefix("error: /no/mpicc: no such program\nhint: "), "\(result)")
    let idle = try Command.shell(
      script.replacing("/no/mpicc", with: "/bin/true"), in: RanksModel.folder.get())
    #expect(idle.errors.hasPrefix("error: /bin/true: it compiles nothing\nhint: "), "\(idle)")
  }

  @Test("A loss that is not finite ends all, with one error", .timeLimit(.minutes(1)))
  func diverged() throws {
    let source = SmallModelFile.source.replacing(
      ".linear(\"head\", V)", with: ".linear(\"head\", V).exp().exp().exp().exp()")
    let folder = try SmallModelFile.folder(source)
    let built = try Moec.run(["compile", "model.swift", "-o", "libsmall.so"], in: folder)
    try #require(built.status == 0, "\(built.errors)")
    let result = try Moec.run(
      ["run", "libsmall.so", "--train", "--data", "text.txt", "--no-save", "--steps", "20"]
        + ["--accumulate", "4", "--ranks", "4", "--eval-interval", "500", "--eval-batches", "1"],
      in: folder)
    #expect(result.status == 1 && result.errors.contains("diverged"), "\(result.errors)")
    #expect(result.errors.components(separatedBy: "error:").count == 2, "\(result.errors)")
  }
}
