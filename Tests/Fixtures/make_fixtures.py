#!/usr/bin/env python3
"""Writes the fixtures beside this script: small makeMoE models, run for ten steps by PyTorch.

    python3 Tests/Fixtures/make_fixtures.py            writes all of them
    python3 Tests/Fixtures/make_fixtures.py --check    compares with what is there instead

Runs with any PyTorch and NumPy. Each configuration is run twice, in single and in double precision:
the seed is the first for which every choice of experts is clear by MARGIN, so that no precision
chooses otherwise. What is written comes from the run in double precision, rounded.
"""

import argparse
import json
import math
import pathlib
import struct
import sys
from dataclasses import asdict, dataclass
from typing import Optional

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import counter_random

HERE = pathlib.Path(__file__).resolve().parent
STEPS = 10
MARGIN = 1e-3


@dataclass
class Configuration:
    name: str
    B: int
    T: int
    V: int
    C: int
    heads: int
    layers: int
    E: int
    k: int
    router: str = "noisy"                     # or "plain"
    capacity_factor: Optional[float] = None   # None: dropless
    scale_width: str = "C"                    # scores times C**-0.5, or D**-0.5 (size of a head)
    must_starve: bool = False                 # an expert gets rows in one step, none in another
    whole: bool = True                        # all gradients and final values are kept

    @property
    def attention_scale(self):
        width = self.C if self.scale_width == "C" else self.C // self.heads
        return width ** -0.5

    @property
    def capacity(self):
        if self.capacity_factor is None:
            return None
        return int(self.B * self.T * self.k / self.E * self.capacity_factor)


CONFIGURATIONS = [
    Configuration("noisy", B=3, T=8, V=11, C=12, heads=3, layers=2, E=4, k=2),
    Configuration("capacity", B=3, T=8, V=11, C=12, heads=2, layers=2, E=4, k=2,
                  capacity_factor=1.0),
    Configuration("odd", B=3, T=13, V=17, C=15, heads=5, layers=1, E=5, k=3),
    Configuration("odd-wide", B=3, T=13, V=17, C=40, heads=5, layers=1, E=5, k=3, whole=False),
    Configuration("all-experts", B=2, T=7, V=9, C=12, heads=4, layers=2, E=3, k=3),
    Configuration("one-expert", B=2, T=9, V=13, C=12, heads=2, layers=2, E=4, k=1, router="plain"),
    Configuration("starved", B=1, T=3, V=7, C=16, heads=2, layers=1, E=6, k=1, router="plain",
                  must_starve=True),
    Configuration("starved-noisy", B=1, T=5, V=7, C=8, heads=2, layers=2, E=8, k=2,
                  must_starve=True),
    Configuration("head-scale", B=2, T=8, V=65, C=16, heads=4, layers=1, E=4, k=2, router="plain",
                  scale_width="D"),
    Configuration("tight-capacity", B=2, T=11, V=10, C=10, heads=2, layers=2, E=5, k=2,
                  capacity_factor=0.6),
]


class Head(nn.Module):
    def __init__(self, c):
        super().__init__()
        depth = c.C // c.heads
        self.key = nn.Linear(c.C, depth, bias=False)
        self.query = nn.Linear(c.C, depth, bias=False)
        self.value = nn.Linear(c.C, depth, bias=False)
        self.scale = c.attention_scale

    def forward(self, x):
        scores = self.query(x) @ self.key(x).transpose(-2, -1) * self.scale
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return scores.masked_fill(future, -math.inf).softmax(-1) @ self.value(x)


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.heads = nn.ModuleList(Head(c) for _ in range(c.heads))
        self.proj = nn.Linear(c.C, c.C)

    def forward(self, x):
        return self.proj(torch.cat([head(x) for head in self.heads], -1))


class Router(nn.Module):
    """Gates [B, T, E]: softmax over the k largest logits, exactly 0 elsewhere."""

    def __init__(self, c, layer):
        super().__init__()
        self.c, self.layer = c, layer
        self.topkroute_linear = nn.Linear(c.C, c.E)
        if c.router == "noisy":
            self.noise_linear = nn.Linear(c.C, c.E)
        self.margin = math.inf

    def forward(self, x, step):
        logits = self.topkroute_linear(x)
        if self.c.router == "noisy":
            logits = logits + self.noise(logits, step) * F.softplus(self.noise_linear(x))
        ranked = logits.detach().sort(-1, descending=True).values
        if self.c.k < self.c.E:
            gap = ranked[..., self.c.k - 1] - ranked[..., self.c.k]
            self.margin = min(self.margin, gap.min().item())
        chosen = logits.topk(self.c.k, -1).indices
        only = torch.full_like(logits, -math.inf).scatter(-1, chosen, logits.gather(-1, chosen))
        return only.softmax(-1), chosen

    def noise(self, logits, step):
        key = counter_random.random_key(seed=step + 1, stream=self.layer)
        normal = counter_random.random_normal(key, np.arange(logits.numel()))
        return torch.tensor(normal, dtype=logits.dtype).reshape(logits.shape)


class Expert(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(c.C, 4 * c.C), nn.ReLU(), nn.Linear(4 * c.C, c.C))

    def forward(self, x):
        return self.net(x)


class Mixture(nn.Module):
    def __init__(self, c, layer):
        super().__init__()
        self.c = c
        self.router = Router(c, layer)
        self.experts = nn.ModuleList(Expert(c) for _ in range(c.E))
        self.rows = []

    def forward(self, x, step):
        gates, chosen = self.router(x, step)
        rows, flat_gates = x.reshape(-1, x.shape[-1]), gates.reshape(-1, self.c.E)
        result, self.rows = torch.zeros_like(rows), []
        for e, expert in enumerate(self.experts):
            # In order of (sequence, position); an expert keeps the first `capacity` of its tokens.
            mine = (chosen == e).any(-1).flatten().nonzero().flatten()[: self.c.capacity]
            self.rows.append(len(mine))
            if len(mine):
                result = result.index_add(0, mine, flat_gates[mine, e, None] * expert(rows[mine]))
        return result.reshape(x.shape)


class Block(nn.Module):
    def __init__(self, c, layer):
        super().__init__()
        self.sa = Attention(c)
        self.smoe = Mixture(c, layer)
        self.ln1, self.ln2 = nn.LayerNorm(c.C), nn.LayerNorm(c.C)

    def forward(self, x, step):
        x = x + self.sa(self.ln1(x))
        return x + self.smoe(self.ln2(x), step)


class Model(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.token_embedding_table = nn.Embedding(c.V, c.C)
        self.position_embedding_table = nn.Embedding(c.T, c.C)
        self.blocks = nn.ModuleList(Block(c, layer) for layer in range(c.layers))
        self.ln_f = nn.LayerNorm(c.C)
        self.lm_head = nn.Linear(c.C, c.V)

    def forward(self, tokens, step):
        x = self.token_embedding_table(tokens)
        x = x + self.position_embedding_table(torch.arange(tokens.shape[1]))
        for block in self.blocks:
            x = block(x, step)
        return self.lm_head(self.ln_f(x))


def initialize(model, random):
    """Kaiming normal weights, uniform biases, normal embeddings; norms near 1 and 0 but not there,
    so that a mistake in them shows. NumPy's frozen generator: the same values from any version."""
    for name, parameter in model.named_parameters():
        shape = tuple(parameter.shape)
        if ".ln" in name or name.startswith("ln_f"):
            value = (1.0 if name.endswith("weight") else 0.0) + 0.1 * random.randn(*shape)
        elif "embedding" in name:
            value = random.randn(*shape)
        elif name.endswith("weight"):
            value = random.randn(*shape) * math.sqrt(2 / shape[1])
        else:
            weight = dict(model.named_parameters())[name[: -len("bias")] + "weight"]
            value = random.uniform(-1, 1, shape) / math.sqrt(weight.shape[1])
        parameter.data = torch.tensor(value.astype(np.float32), dtype=parameter.dtype)


def stacked(c, tensors):
    """From PyTorch's names to moec's: heads side by side, experts in one stack."""
    result = {
        "token.weight": tensors["token_embedding_table.weight"],
        "position.weight": tensors["position_embedding_table.weight"],
    }
    for l in range(c.layers):
        old, new = f"blocks.{l}.", f"block.{l}."

        def copy(source, target, parts=("weight", "bias")):
            for part in parts:
                result[f"{new}{target}.{part}"] = tensors[f"{old}{source}.{part}"]

        copy("ln1", "attention.norm")
        for kind in ("query", "key", "value"):
            heads = [tensors[f"{old}sa.heads.{h}.{kind}.weight"] for h in range(c.heads)]
            result[f"{new}attention.{kind}.weight"] = np.concatenate(heads, 0)
        copy("sa.proj", "attention.proj")
        copy("ln2", "mixture.norm")
        copy("smoe.router.topkroute_linear", "mixture.gate")
        if c.router == "noisy":
            copy("smoe.router.noise_linear", "mixture.noise")
        for index, kind in ((0, "up"), (2, "down")):
            for part in ("weight", "bias"):
                each = [tensors[f"{old}smoe.experts.{e}.net.{index}.{part}"] for e in range(c.E)]
                result[f"{new}mixture.{kind}.{part}"] = np.stack(each)
    for part in ("weight", "bias"):
        result[f"final.{part}"] = tensors[f"ln_f.{part}"]
        result[f"head.{part}"] = tensors[f"lm_head.{part}"]
    return result


def values(model):
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters()}


def gradients(model):
    """Zeros stand for `None`, the gradient of an expert without tokens."""
    return {name: np.zeros(tuple(p.shape)) if p.grad is None else p.grad.numpy().copy()
            for name, p in model.named_parameters()}


@dataclass
class Run:
    tensors: dict
    state: dict
    rows: np.ndarray
    losses: np.ndarray
    margin: float


def run(c, seed, dtype):
    """Ten steps of AdamW; what is recorded of them."""
    random = np.random.RandomState(seed)
    model = Model(c).to(dtype)
    initialize(model, random)
    windows = random.randint(0, c.V, (STEPS, c.B, c.T + 1))
    tokens, targets = windows[..., :-1].copy(), windows[..., 1:].copy()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    state = values(model)
    tensors = {f"initial/{name}": value for name, value in stacked(c, state).items()}
    losses, rows = [], []
    for step in range(STEPS):
        logits = model(torch.tensor(tokens[step]), step)
        loss = F.cross_entropy(logits.reshape(-1, c.V), torch.tensor(targets[step]).flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if step == 0:
            tensors["logits"] = logits.detach().numpy().copy()
            for name, value in stacked(c, gradients(model)).items():
                tensors[f"gradient/{name}"] = value
        optimizer.step()
        losses.append(loss.item())
        rows.append([block.smoe.rows for block in model.blocks])
    tensors.update({f"final/{name}": value for name, value in stacked(c, values(model)).items()})
    rows, losses = np.array(rows, np.int32), np.array(losses)
    tensors.update(tokens=tokens.astype(np.int32), targets=targets.astype(np.int32),
                   losses=losses, loss=losses[:1], expert_rows=rows)
    margin = min(block.smoe.router.margin for block in model.blocks)
    return Run(tensors, state, rows, losses, margin)


def starves(rows):
    """Whether some expert has rows in one step and none in a later one."""
    return any((rows[:-1, l, e] > 0).any() and (rows[1:, l, e][rows[:-1, l, e] > 0] == 0).any()
               for l in range(rows.shape[1]) for e in range(rows.shape[2]))


def chosen_run(c):
    """The first seed whose run is clear, and the same with either precision."""
    for seed in range(1000):
        exact = run(c, seed, torch.float64)
        if exact.margin < MARGIN or (c.must_starve and not starves(exact.rows)):
            continue
        single = run(c, seed, torch.float32)
        assert (single.rows == exact.rows).all(), c.name
        difference = np.abs(single.losses - exact.losses)
        assert difference[0] < 1e-5 and difference.max() < 1e-3, (c.name, difference)
        return seed, exact
    raise SystemExit(f"error: {c.name}: no seed leaves a margin of {MARGIN}")


def safetensors(tensors, metadata):
    """The file's bytes: length of the header, header, data; little-endian."""
    header, data = {"__metadata__": metadata}, b""
    for name in sorted(tensors):
        value = tensors[name]
        kind = "I32" if value.dtype == np.int32 else "F32"
        raw = np.ascontiguousarray(value, "<i4" if kind == "I32" else "<f4").tobytes()
        header[name] = {"dtype": kind, "shape": list(value.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def metadata(c, seed):
    facts = asdict(c)
    del facts["must_starve"], facts["scale_width"], facts["whole"]
    facts.update(seed=seed, steps=STEPS, attention_scale=repr(c.attention_scale), dropout=0,
                 capacity=c.capacity, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8,
                 weight_decay=0.01)
    return {name: "none" if value is None else str(value) for name, value in facts.items()}


def kept(c, tensors):
    """All tensors, or those of a large model that fit a small file."""
    def is_kept(name):
        of_experts = name.endswith(("mixture.up.weight", "mixture.down.weight"))
        return not (name.startswith("final/") or name.startswith("gradient/") and of_experts)

    return {name: value for name, value in tensors.items() if c.whole or is_kept(name)}


def read_tensors(data):
    """Arrays by name, and the metadata."""
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8: 8 + length])
    facts = header.pop("__metadata__")
    kinds = {"I32": "<i4", "F32": "<f4"}
    arrays = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        arrays[name] = np.frombuffer(data[start:end], kinds[entry["dtype"]]).reshape(entry["shape"])
    return arrays, facts


def require_same(path, data):
    """Other versions of PyTorch round otherwise; more than that is a difference."""
    old, new = read_tensors(path.read_bytes()), read_tensors(data)
    if old[1] != new[1] or old[0].keys() != new[0].keys():
        raise SystemExit(f"error: {path.name}: other tensors or metadata")
    for name, value in new[0].items():
        if not np.allclose(value, old[0][name], rtol=1e-4, atol=1e-6):
            raise SystemExit(f"error: {path.name}: {name} differs")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write none")
    options = parser.parse_args()
    torch.set_num_threads(1)
    counter_random.check()
    for c in CONFIGURATIONS:
        seed, result = chosen_run(c)
        files = {f"{c.name}.safetensors": safetensors(kept(c, result.tensors), metadata(c, seed))}
        if c.name == "noisy":
            files["noisy-state-dict.safetensors"] = safetensors(result.state, {"format": "pt"})
        for name, data in files.items():
            if options.check:
                require_same(HERE / name, data)
            else:
                (HERE / name).write_bytes(data)
            print(f"{name}: {len(data)} bytes")
        print(f"  seed {seed}, margin {result.margin:.2g}, losses {result.losses[0]:.4f} to "
              f"{result.losses[-1]:.4f}, fewest rows {result.rows.min()}")


if __name__ == "__main__":
    main()
