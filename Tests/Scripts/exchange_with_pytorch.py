#!/usr/bin/env python3
"""Takes a library's weights to PyTorch and PyTorch's to the library: both give the same loss.

    python3 Tests/Scripts/exchange_with_pytorch.py MOEC LIB.so TEXT [WEIGHTS.safetensors]

The library is one that MOEC compiled from Examples/makemoe.swift, of any sizes; its weights are its
initial ones unless a file is given. They go through `moec weights convert` into the state dict of
the re-implementation in Tests/Fixtures, which takes it with strict=True. Back come weights that
PyTorch drew. The losses of some batches of TEXT, in evaluation mode and with the same noise, must be
equal to 1e-5. Needs PyTorch and NumPy.
"""
import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Fixtures"))

import numpy as np
import torch
from torch.nn import functional as F

import counter_random
import make_fixtures as reference

BATCHES = 3
TOLERANCE = 1e-5
# A block draws for the attention's weights and its projection before it draws the router's noise,
# and for the experts after it: makemoe has so many streams in each, and the noise is this one.
STREAMS, NOISE = 4, 2


class Library:
    """A compiled model, by its C interface."""

    def __init__(self, path):
        self.c = ctypes.CDLL(str(pathlib.Path(path).resolve()))
        self.c.moec_manifest.restype = ctypes.c_char_p
        self.c.moec_create.restype = self.c.moec_error.restype = ctypes.c_void_p
        self.c.moec_loss.restype = ctypes.c_float
        self.manifest = json.loads(self.c.moec_manifest())
        self.model = ctypes.c_void_p(self.c.moec_create())
        self.c.moec_initialize(self.model, ctypes.c_uint64(1337))

    def read(self):
        values = {}
        for index, parameter in enumerate(self.manifest["parameters"]):
            value = np.empty(parameter["shape"], np.float32)
            assert self.c.moec_read(self.model, 0, index, value.ctypes) == 0
            values[parameter["name"]] = value
        return values

    def write(self, values):
        for index, parameter in enumerate(self.manifest["parameters"]):
            value = np.ascontiguousarray(values[parameter["name"]], np.float32)
            assert list(value.shape) == parameter["shape"], parameter["name"]
            assert self.c.moec_write(self.model, 0, index, value.ctypes) == 0

    def loss(self, tokens, targets, seed):
        """In evaluation mode: no dropout, but noise."""
        return self.c.moec_loss(self.model, tokens.ctypes, targets.ctypes, ctypes.c_uint64(seed))


def peer(manifest):
    """The re-implementation with the library's sizes."""
    axes = manifest["axes"]
    shapes = {parameter["name"]: parameter["shape"] for parameter in manifest["parameters"]}
    layers = sum(name.endswith("mixture.gate.weight") for name in shapes)
    noisy = any(".mixture.noise." in name for name in shapes)
    c = reference.Configuration(
        "exchange", B=axes["B"], T=axes["T"], V=shapes["token.weight"][0], C=axes["C"],
        heads=axes["H"], layers=layers, E=axes["E"], k=axes["K"],
        router="noisy" if noisy else "plain")
    return reference.Model(c), c


def loss(model, c, tokens, targets, seed):
    """As the library's, in double precision."""
    for layer, block in enumerate(model.blocks):
        key = counter_random.random_key(seed, STREAMS * layer + NOISE)

        def noise(logits, step, key=key):
            normal = counter_random.random_normal(key, np.arange(logits.numel()))
            return torch.tensor(normal, dtype=logits.dtype).reshape(logits.shape)

        block.smoe.router.noise = noise
    with torch.no_grad():
        logits = model.double().eval()(torch.tensor(tokens, dtype=torch.long), 0)
    flat = torch.tensor(targets, dtype=torch.long).flatten()
    return F.cross_entropy(logits.reshape(-1, c.V), flat).item()


def convert(moec, source, target, heads):
    subprocess.run(
        [moec, "weights", "convert", source, target, "--overwrite", "--names", "makemoe",
         "--set", f"h={heads}"],
        check=True)
    return reference.read_tensors(pathlib.Path(target).read_bytes())[0]


def batches(text, c):
    """Windows of a text, whose characters have numbers by rank as everywhere in moec."""
    ranks = {character: rank for rank, character in enumerate(sorted(set(text)))}
    assert len(ranks) <= c.V, f"the text has {len(ranks)} characters, the model {c.V}"
    numbers = np.array([ranks[character] for character in text], np.int32)
    random = np.random.RandomState(1)
    for seed in range(BATCHES):
        starts = random.randint(0, len(numbers) - c.T - 1, c.B)
        windows = np.stack([numbers[start: start + c.T + 1] for start in starts])
        yield seed, windows[:, :-1].copy(), windows[:, 1:].copy()


def compare(way, library, model, c, text):
    for seed, tokens, targets in batches(text, c):
        ours, theirs = library.loss(tokens, targets, seed), loss(model, c, tokens, targets, seed)
        print(f"{way}: moec {ours:.7f}, PyTorch {theirs:.7f}, difference {abs(ours - theirs):.1e}")
        if not abs(ours - theirs) < TOLERANCE:
            sys.exit("error: the losses differ")


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    moec, path, text = sys.argv[1:4]
    text = pathlib.Path(text).read_text(encoding="utf-8")
    library = Library(path)
    model, c = peer(library.manifest)
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) == 5:
            tensors = reference.read_tensors(pathlib.Path(sys.argv[4]).read_bytes())[0]
            names = {parameter["name"] for parameter in library.manifest["parameters"]}
            library.write({name: tensors[name] for name in names})
        ours, theirs = f"{folder}/ours.safetensors", f"{folder}/theirs.safetensors"
        pathlib.Path(ours).write_bytes(reference.safetensors(library.read(), {}))
        state = convert(moec, ours, theirs, c.heads)
        model.load_state_dict(
            {name: torch.tensor(value.copy()) for name, value in state.items()}, strict=True)
        compare("to PyTorch", library, model, c, text)

        model, c = peer(library.manifest)
        reference.initialize(model, np.random.RandomState(7))
        pathlib.Path(theirs).write_bytes(
            reference.safetensors(reference.values(model), {"format": "pt"}))
        library.write(convert(moec, theirs, ours, c.heads))
        compare("from PyTorch", library, model, c, text)


if __name__ == "__main__":
    main()
