"""Times a compiled makemoe and the same model in other frameworks, in turn: A B C A B C ...

    python compare.py LIB.so TEXT [--moec PATH] [--rounds N] [--peers ours,article,best,...]

Every peer is a process of its own; only one works at a time, the others wait. Between rounds `moec bench`
measures the machine's peak and bandwidths, from which its limits follow, because a machine's clock and
its other work change from minute to minute.
"""
import argparse
import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import ours
from shapes import Shapes

FOLDER = os.path.dirname(os.path.abspath(__file__))
KINDS = ("step", "evaluation", "generation")


class Worker:
    def __init__(self, name, shapes, options, log):
        environment = dict(os.environ, OMP_NUM_THREADS=str(options.threads),
                           MKL_NUM_THREADS=str(options.threads), JAX_PLATFORMS="cpu")
        self.name, self.log = name, open(log, "w")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(FOLDER, "worker.py"), name, json.dumps(dataclasses.asdict(shapes)),
             str(options.threads), os.path.abspath(options.text), os.path.abspath(options.library)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, env=environment)
        self.start = self.answer()
        self.times = {kind: [] for kind in KINDS}

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended; see {self.log.name}")
        return json.loads(line)

    def ask(self, kind, seconds=0.0, count=0):
        self.process.stdin.write(json.dumps({"kind": kind, "seconds": seconds, "count": count}) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def measure(self, options):
        time.sleep(0.4)  # threads of the one before spin for a while after their work
        for kind, part in zip(KINDS, (0.5, 0.25, 0.25)):
            self.times[kind] += self.ask(kind, part * options.seconds, options.tokens)["times"]

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def find_moec():
    """The moec on the PATH, or the one that was built here."""
    builds = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".build")
    built = [os.path.join(builds, kind, "moec") for kind in ("release", "debug")]
    return shutil.which("moec") or next(filter(os.path.exists, built), "moec")


def machine(options):
    """The machine's rates and limits now."""
    if not shutil.which(options.moec):
        sys.exit(f"error: there is no moec at {options.moec}\nhint: build it with 'swift build', or give --moec PATH")
    line = [options.moec, "bench", options.library, "--steps", "1", "--threads", str(options.threads), "--json"]
    report = json.loads(subprocess.check_output(line))
    limits = {total["work"]: total["limit"] for total in report["totals"]}
    return {"rates": report["machine"], "limits": limits}


def start(options, shapes, logs):
    workers, failures = [], {}
    for name in options.peers.split(","):
        try:
            worker = Worker(name, shapes, options, os.path.join(logs, name.replace(":", "-") + ".log"))
            losses = worker.ask("learn", count=options.learn)["losses"]
            worker.learned = statistics.mean(losses[-5:]) if losses else None
            for kind in KINDS:  # what is compiled or touched for the first time is not measured
                worker.ask(kind, 0.0, 2)
            workers.append(worker)
            print(f"{name}: first step after {worker.start['cold_seconds']:.1f} s", file=sys.stderr)
        except (RuntimeError, OSError) as error:
            failures[name] = str(error)
            print(f"{name}: left out: {error}", file=sys.stderr)
    return workers, failures


def summary(worker):
    row = {kind: {"median": statistics.median(times), "minimum": min(times), "runs": len(times)}
           for kind, times in worker.times.items()}
    memory = worker.ask("memory")
    return row | memory | worker.start | {"learned": worker.learned}


def table(rows, looks):
    limits = {kind: statistics.median(look["limits"][kind] for look in looks) for kind in KINDS}
    rates = {name: statistics.median(look["rates"][name] for look in looks) for name in looks[0]["rates"]}
    peaks = [look["rates"]["peak"] for look in looks]
    lines = [f"machine between the rounds: peak {rates['peak']:.0f} GFLOP/s ({min(peaks):.0f} to {max(peaks):.0f}), "
             f"memory {rates['memory']:.1f} GB/s, AdamW sweep {rates['sweep']:.1f} GB/s", "",
             f"{'':<22}{'step ms':>17}{'evaluation ms':>17}{'generation':>13}{'memory MB':>17}{'first step':>12}{'loss':>7}",
             f"{'':<22}{'median (least)':>17}{'median (least)':>17}{'tokens/s':>13}{'peak (imports)':>17}"]

    def cell(times):
        return f"{times['median']:.1f} ({times['minimum']:.1f})"

    for name, row in rows.items():
        learned = f"{row['learned']:.2f}" if row["learned"] is not None else ""
        memory = f"{row['resident']:.0f} ({row['imported']:.0f})"
        lines.append(f"{name:<22}{cell(row['step']):>17}{cell(row['evaluation']):>17}"
                     f"{1000 / row['generation']['median']:>13.0f}{memory:>17}"
                     f"{row['cold_seconds']:>10.1f} s{learned:>7}")
    lines.append(f"{'limit':<22}{limits['step']:>17.1f}{limits['evaluation']:>17.1f}"
                 f"{1000 / limits['generation']:>13.0f}")
    lines += ["", f"{'time / limit':<22}" + "".join(f"{kind:>13}" for kind in KINDS)]
    for name, row in rows.items():
        lines.append(f"{name:<22}" + "".join(f"{row[kind]['median'] / limits[kind]:>13.2f}" for kind in KINDS))
    if "ours" in rows:
        lines += ["", f"{'time / ours':<22}" + "".join(f"{kind:>13}" for kind in KINDS)]
        for name, row in rows.items():
            lines.append(f"{name:<22}" + "".join(
                f"{row[kind]['median'] / rows['ours'][kind]['median']:>13.2f}" for kind in KINDS))
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("library")
    parser.add_argument("text")
    parser.add_argument("--moec", default=find_moec(), help="the moec that compiled the library")
    parser.add_argument("--peers", default="ours,article,best,best:pad")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="for each peer in each round")
    parser.add_argument("--tokens", type=int, default=50, help="generated at a time")
    parser.add_argument("--learn", type=int, default=30, help="steps before anything is timed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--chosen", type=int, default=2)
    parser.add_argument("--out", help="a JSON file for everything")
    return parser.parse_args()


def main():
    options = arguments()
    options.library = os.path.abspath(options.library)
    shapes = Shapes.of(ours.manifest(options.library), options.heads, options.chosen)
    looks = [machine(options)]
    workers, failures = start(options, shapes, tempfile.mkdtemp(prefix="peers-"))
    for number in range(options.rounds):
        for worker in workers:
            worker.measure(options)
        looks.append(machine(options))
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    rows = {worker.name: summary(worker) for worker in workers}
    for worker in workers:
        worker.stop()
    print(table(rows, looks))
    if options.out:
        with open(options.out, "w", encoding="utf-8") as file:
            json.dump({"shapes": dataclasses.asdict(shapes), "threads": options.threads, "peers": rows,
                       "machine": looks, "left_out": failures}, file, indent=1)


if __name__ == "__main__":
    main()
