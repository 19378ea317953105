#!/usr/bin/env python3
"""Writes the fixtures of low-rank adapters: small models of transformers whose weights are frozen, three steps each.

    pip install torch transformers
    python3 Tests/Fixtures/make_adapter_fixtures.py              writes all of them
    python3 Tests/Fixtures/make_adapter_fixtures.py --check      compares with what is there instead

An adapter is w + s b a in the place of w, for each expert of a stack, in double precision. Its first values are those
of no library: b is not 0, so that every matrix has a gradient in the first step.
"""

import argparse
import dataclasses
import math

import numpy as np
import torch
import transformers

import make_family_fixtures as family
from make_fixtures import require_same, safetensors

RANK, SCALE = 3, 1.5
FIXTURES = {"llama": "llama-adapters", "mixtral": "mixtral-adapters"}


class Adapter(torch.nn.Module):
    """w + s b a; of stacked gates and ups each half has matrices of its own."""

    def __init__(self, shape, parts, random):
        super().__init__()
        *stack, out, width = shape

        def drawn(*sizes):
            value = 0.3 * random.randn(*stack, *sizes)
            return torch.nn.Parameter(torch.tensor(value.astype(np.float32), dtype=torch.get_default_dtype()))

        self.a = torch.nn.ParameterList([drawn(RANK, width) for _ in parts])
        self.b = torch.nn.ParameterList([drawn(out // len(parts), RANK) for _ in parts])
        self.names = parts

    def forward(self, w):
        return w + SCALE * torch.cat([b @ a for a, b in zip(self.a, self.b)], dim=-2)


def places(c, model):
    """Modules, their parameters, and the weights of moec that these are."""
    for number, layer in enumerate(model.model.layers):
        for kind in "qkvo":
            yield getattr(layer.self_attn, f"{kind}_proj"), "weight", [f"block.{number}.attention.{kind}"]
        if c.E:
            room = f"block.{number}.mixture."
            yield layer.mlp.experts, "gate_up_proj", [room + "gate", room + "up"]
            yield layer.mlp.experts, "down_proj", [room + "down"]
        else:
            for kind in ("gate", "up", "down"):
                yield getattr(layer.mlp, f"{kind}_proj"), "weight", [f"block.{number}.mlp.{kind}"]


def adapted(c, model, random):
    """Freezes the model and puts the adapters in."""
    for p in model.parameters():
        p.requires_grad_(False)
    adapters = []
    for module, name, ours in list(places(c, model)):
        adapter = Adapter(getattr(module, name).shape, ours, random)
        torch.nn.utils.parametrize.register_parametrization(module, name, adapter)
        adapters.append(adapter)
    return adapters


def tensors(adapters, value):
    return {f"{name}.lora_{part}": value(p).detach().numpy().copy() for adapter in adapters
            for part in "ab" for name, p in zip(adapter.names, getattr(adapter, part))}


def run(c, seed):
    """Three steps of AdamW of the adapters alone."""
    random = np.random.RandomState(seed)
    model = family.MODELS[c.family](c).train()
    family.initialize(model, random)
    base = family.stacked(c, family.values(model))
    adapters = adapted(c, model, random)
    choices = []
    for module in model.modules():
        if type(module).__name__ in family.ROUTERS:
            module.register_forward_hook(
                lambda router, _, output: choices.append(family.Choice(router, output[0], output[2])))
    windows = random.randint(0, c.V, (family.STEPS, c.B, c.T + 1))
    tokens, targets = windows[..., :-1].copy(), windows[..., 1:].copy()
    learned = [p for adapter in adapters for p in adapter.parameters()]
    optimizer = torch.optim.AdamW(learned, lr=c.learning_rate, betas=(c.beta1, c.beta2), eps=c.epsilon,
                                  weight_decay=c.weight_decay)
    found = {f"initial/{name}": value for name, value in {**base, **tensors(adapters, lambda p: p)}.items()}
    losses, terms, margin, fewest = [], [], math.inf, math.inf
    for step in range(family.STEPS):
        choices.clear()
        logits, loss, term, total = family.objective(
            c, model, torch.tensor(tokens[step]), torch.tensor(targets[step]), choices)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        if step == 0:
            found["logits"] = logits.detach().numpy().copy()
            found.update({f"gradient/{name}": value
                          for name, value in tensors(adapters, lambda p: p.grad).items()})
        optimizer.step()
        losses.append(loss.item())
        terms += [term.item()] if c.balance else []
        for choice in choices:
            margin = min(margin, choice.margin(c))
            fewest = min(fewest, choice.rows(c).min().item())
    found.update({f"final/{name}": value for name, value in {**base, **tensors(adapters, lambda p: p)}.items()})
    found.update(tokens=tokens.astype(np.int32), targets=targets.astype(np.int32), losses=np.array(losses),
                 **({"terms": np.array(terms)} if terms else {}))
    return family.Run(found, margin, fewest)


def chosen_run(c):
    for seed in range(1000):
        result = run(c, seed)
        if result.margin >= family.MARGIN and result.fewest > 0:
            return seed, result
    raise SystemExit(f"error: {c.name}: no seed leaves a margin of {family.MARGIN}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write none")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for c in family.CONFIGURATIONS:
        if c.name not in FIXTURES:
            continue
        c = dataclasses.replace(c, name=FIXTURES[c.name])
        with family.double_precision():
            seed, exact = chosen_run(c)
        path = family.HERE / "families" / f"{c.name}.safetensors"
        facts = {**family.metadata(c, seed), "rank": str(RANK), "scale": str(SCALE)}
        data = safetensors(exact.tensors, facts)
        if options.check:
            require_same(path, data)
        else:
            path.write_bytes(data)
        print(f"{path.name}: {len(data)} bytes, seed {seed}")


if __name__ == "__main__":
    main()
