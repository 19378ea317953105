"""Times mixtures beside dense models with the same active FLOPs, in turn: forward and backward, without AdamW.

    python mixtures.py [--moec PATH] [--rounds N] [--threads N] [--pairs eight,sixty-four,shared] [--depth N]

Both models of a pair have the same attention, norms and head; they differ in what follows the attention. The
tokens are random, so that a router without training deals them out nearly evenly. Needs moec and Python alone.
"""
import argparse
import ctypes
import os
import random
import statistics
import subprocess
import tempfile
import time

MODEL = """import MoE

let V = Axis("V", 256), T = Axis("T", 256), B = Axis("B", 8), C = Axis("C", 512)

func selfAttention(_ x: Tensor) -> Tensor {{
    let q = x.linear("q", C, bias: false).heads(8).rotary(base: 1e4)
    let k = x.linear("k", C / 4, bias: false).heads(2).rotary(base: 1e4)
    let v = x.linear("v", C / 4, bias: false).heads(2)
    return attention(q, k, v).mergedHeads().linear("o", C, bias: false)
}}

func plain(_ x: Tensor, _ width: Int) -> Tensor {{
    x.linear("up", Axis("F", width)).relu().linear("down", C)
}}

func gated(_ x: Tensor, _ width: Int) -> Tensor {{
    let F = Axis("F", width)
    return (x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)).linear("down", C, bias: false)
}}

func plain(_ x: Routed, _ width: Int) -> Routed {{
    x.linear("up", Axis("G", width)).relu().linear("down", C)
}}

func gated(_ x: Routed, _ width: Int) -> Routed {{
    let F = Axis("G", width)
    return (x.linear("gate", F, bias: false).silu() * x.linear("up", F, bias: false)).linear("down", C, bias: false)
}}

func routing(_ x: Tensor, _ experts: Int, _ chosen: Int) -> Routing {{
    x.linear("router", Axis("E", experts), bias: false).top(chosen).softmax()
}}

func feed(_ n: Tensor) -> Tensor {{
    {feed}
}}

func block(_ x: Tensor) -> Tensor {{
    let h = x + scope("attention") {{ selfAttention(x.rmsNorm("norm")) }}
    return h + scope("feed") {{ feed(h.rmsNorm("norm")) }}
}}

LanguageModel("{name}", vocabulary: V, context: T, batch: B) {{ text in
    layers("block", {depth}, text.tokens.embedding("token", C), block).rmsNorm("norm").linear("head", V, bias: false)
}}
"""

SHARED = 'scope("shared") {{ gated(n, 512) }} + scope("routed") {{ gated(n.routed(by: routing(n, {0}, {1})), {2}).combined() }}'

# What follows the attention: of the dense model, and of the mixture with the same active FLOPs.
PAIRS = {
    "eight": ("plain(n, 4096)", "plain(n.routed(by: routing(n, 8, 2)), 2048).combined()"),
    "eight-gated": ("gated(n, 3584)", "gated(n.routed(by: routing(n, 8, 2)), 1792).combined()"),
    "sixty-four": ("gated(n, 2048)", "gated(n.routed(by: routing(n, 64, 8)), 256).combined()"),
    "shared": ("gated(n, 2560)", SHARED.format(16, 4, 512)),
}


def compiled(moec, folder, name, feed, depth):
    source, library = os.path.join(folder, name + ".swift"), os.path.join(folder, name + ".so")
    with open(source, "w") as file:
        file.write(MODEL.format(name=name, feed=feed, depth=depth))
    told = subprocess.run([moec, "compile", source, "-o", library, "--quiet"], capture_output=True, text=True)
    if told.returncode != 0:
        raise SystemExit(told.stderr)
    return library


class Model:
    def __init__(self, path, threads):
        self.library = ctypes.CDLL(path)
        self.library.moec_create.restype = ctypes.c_void_p
        self.library.moec_gradients.restype = ctypes.c_float
        self.model = ctypes.c_void_p(self.library.moec_create())
        if not self.model:
            raise MemoryError(path)
        self.library.moec_initialize(self.model, ctypes.c_uint64(1))
        self.library.moec_set_threads(self.model, threads)
        drawn = random.Random(1)
        self.texts = [(ctypes.c_int32 * 2048)(*(drawn.randrange(256) for _ in range(2048))) for _ in range(2)]

    def seconds(self):
        start = time.perf_counter()
        self.library.moec_gradients(self.model, *self.texts, ctypes.c_uint64(1))
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moec", default="moec")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--pairs", default=",".join(PAIRS))
    parser.add_argument("--folder", help="where libraries are kept; those that are there are not compiled again")
    options = parser.parse_args()
    folder = options.folder or tempfile.mkdtemp()
    os.makedirs(folder, exist_ok=True)
    for pair in options.pairs.split(","):
        models = []
        for kind, feed in zip(("dense", "mixture"), PAIRS[pair]):
            name = f"{pair}-{kind}"
            library = os.path.join(folder, name + ".so")
            if not os.path.exists(library):
                compiled(options.moec, folder, name, feed, options.depth)
            models.append(Model(os.path.abspath(library), options.threads))
        for model in models:
            model.seconds()
        rounds = [tuple(model.seconds() for model in models) for _ in range(options.rounds)]
        dense, mixture = (1000 * statistics.median(times) for times in zip(*rounds))
        least_dense, least_mixture = (1000 * min(times) for times in zip(*rounds))
        ratio = statistics.median(m / d for d, m in rounds)
        print(f"{pair:12s} dense {dense:8.1f} ms   mixture {mixture:8.1f} ms   ratio {ratio:.3f}"
              f"   (least {least_dense:.1f} and {least_mixture:.1f}, {least_mixture / least_dense:.3f})", flush=True)


if __name__ == "__main__":
    main()
