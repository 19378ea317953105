"""One peer in a process of its own: reads one JSON request a line, answers with one line.

    python worker.py PEER SHAPES THREADS TEXT LIBRARY
"""
import importlib
import json
import os
import resource
import sys
import time

import numpy as np

from shapes import Corpus, Shapes


def resident():
    """The most memory that this process ever had, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def timed(work, seconds):
    """Times of `work` in milliseconds, repeated for about so many seconds."""
    times, end = [], time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def evaluation_times(peer, corpus, seconds):
    """Times for each batch; a peer may take several at once."""
    count = getattr(peer, "batches_at_once", 1)
    if count == 1:
        return timed(lambda: peer.loss(*corpus.batch("validation")), seconds)
    times = timed(lambda: peer.losses([corpus.batch("validation") for _ in range(count)]), seconds)
    return [t / count for t in times]


def main():
    name, shapes, threads, text, library = sys.argv[1:6]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is no answer
    began = time.perf_counter()
    module, _, options = name.partition(":")
    peer_type = importlib.import_module(module).Peer
    imported = resident()
    shapes = Shapes(**json.loads(shapes))
    corpus, random = Corpus(text, shapes), np.random.default_rng(1)
    peer = peer_type(shapes, int(threads), [o for o in options.split("+") if o], library)
    first = peer.step(*corpus.batch("train"))

    def answer(**values):
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    answer(first_loss=first, cold_seconds=time.perf_counter() - began)
    for line in sys.stdin:
        request = json.loads(line)
        kind, seconds = request["kind"], request["seconds"]
        if kind == "learn":
            losses = [peer.step(*corpus.batch("train")) for _ in range(request["count"])]
            answer(losses=losses)
        elif kind == "step":
            answer(times=timed(lambda: peer.step(*corpus.batch("train")), seconds))
        elif kind == "evaluation":
            answer(times=evaluation_times(peer, corpus, seconds))
        elif kind == "generation":
            window, count = corpus.window(), request["count"]
            times = timed(lambda: peer.generate(window, count, random), seconds)
            answer(times=[t / count for t in times])
        elif kind == "memory":
            answer(resident=resident(), imported=imported)


if __name__ == "__main__":
    main()
