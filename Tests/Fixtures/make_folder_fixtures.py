#!/usr/bin/env python3
"""Writes the folders that `moec import` is tested with: small random models as transformers saves them.

    pip install torch transformers safetensors
    python3 Tests/Fixtures/make_folder_fixtures.py              writes all of them
    python3 Tests/Fixtures/make_folder_fixtures.py --check      compares logits with what is there instead
    python3 Tests/Fixtures/make_folder_fixtures.py --load DIR   loads a folder that moec exported, and compares it
                                                                with the one that it was imported from, DIR/from
    python3 Tests/Fixtures/make_folder_fixtures.py --expect DIR FILE    writes what a real model makes of a text

Beside config.json and model.safetensors is expected.safetensors: tokens, their logits in double precision, and the
loss of targets; and trained.safetensors: the losses of three steps of AdamW, and logits after them.
"""

import argparse
import dataclasses
import json
import logging
import math
import pathlib
import shutil
import tempfile
import warnings

import numpy as np
import safetensors.torch  # noqa: F401  (before the names of types in torch mean others)
import torch
import transformers

import make_family_fixtures as family
from make_fixtures import read_tensors, require_same, safetensors

HERE = pathlib.Path(__file__).resolve().parent


def qwen3(c, **more):
    return transformers.Qwen3ForCausalLM(transformers.Qwen3Config(
        **{**family.trunk(c), **family.EAGER, **more}))


def changed(make, without=None, **more):
    """The same with other keys of its config, and without one that its class does not know."""
    def build(c):
        model = make(c)
        facts = {**model.config.to_dict(), **family.EAGER, **more}
        config = type(model.config)(**{key: value for key, value in facts.items() if key != without})
        return type(model)(config)
    return build


@dataclasses.dataclass
class Folder:
    """A model, and what is special in how it is saved."""

    configuration: str
    make: object
    stacked: bool = False
    dtype: object = torch.float32
    shards: object = None
    positions: int = 0                        # more of them than the text has


FOLDERS = {
    "llama": Folder("llama", family.llama),
    "llama-sharded": Folder("llama", changed(
        family.llama, tie_word_embeddings=True, attention_bias=True, mlp_bias=True),
        dtype=torch.bfloat16, shards="6KB"),
    "gpt2": Folder("gpt2", family.gpt2, positions=12),
    "mixtral": Folder("mixtral", family.mixtral),
    "mixtral-stacked": Folder("mixtral", changed(family.mixtral, output_router_logits=True), stacked=True),
    "qwen2-moe": Folder("qwen2-moe", family.qwen2_moe),
    "qwen3": Folder("llama", qwen3),
    "qwen3-moe": Folder("qwen3-moe", changed(family.qwen3_moe, mlp_only_layers=[0])),
    "olmoe": Folder("olmoe", changed(
        family.olmoe, without="moe_intermediate_size", clip_qkv=0.8)),
    "gpt-oss": Folder("gpt-oss", family.gpt_oss),
    "llama-3": Folder("llama", changed(family.llama, head_dim=8, rope_parameters={
        "rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 16})),
    "gpt-oss-yarn": Folder("gpt-oss", changed(family.gpt_oss, rope_parameters={
        "rope_type": "yarn", "rope_theta": 150.0, "factor": 32.0, "beta_fast": 4.0, "beta_slow": 1.0,
        "truncate": False, "original_max_position_embeddings": 32})),
}


def configuration(folder):
    c = next(c for c in family.CONFIGURATIONS if c.name == folder.configuration)
    return dataclasses.replace(c, T=folder.positions) if folder.positions else c


def expected(model, c, length, random):
    """What the model makes of a text, in double precision."""
    window = random.randint(0, c.V, (c.B, length + 1))
    tokens, targets = window[:, :-1].copy(), window[:, 1:].copy()
    with torch.no_grad():
        output = model(torch.tensor(tokens), labels=torch.tensor(tokens), shift_labels=torch.tensor(targets))
    return {"tokens": tokens.astype(np.int32), "targets": targets.astype(np.int32),
            "logits": output.logits.numpy(), "loss": np.array([output.loss.item()])}


def drawn(name, random):
    """The folder's model in double precision, with values that its file can hold."""
    folder = FOLDERS[name]
    model = folder.make(configuration(folder))
    family.initialize(model, random)
    if folder.dtype != torch.float32:
        for p in model.parameters():
            p.data = p.data.to(folder.dtype).to(torch.float64)
    return model


def build(name):
    folder, random = FOLDERS[name], np.random.RandomState(sum(map(ord, name)))
    with family.double_precision():
        model = drawn(name, random).eval()
        result = expected(model, configuration(folder), 9, random)
        trained = clear_steps(name, 9)
    return model.to(folder.dtype), folder, result, trained


LEARNING_RATE = 1e-3


def optimizer_of(model):
    """As the model.swift of an import has it: weight decay is for matrices and tables, those of each expert too."""
    groups = {True: [], False: []}
    for name, p in model.named_parameters():
        groups[p.ndim - (".experts." in name) >= 2].append(p)
    return torch.optim.AdamW([{"params": groups[True], "weight_decay": 0.1},
                              {"params": groups[False], "weight_decay": 0.0}],
                             lr=LEARNING_RATE, betas=(0.9, 0.95), eps=1e-8)


def steps(name, length, seed):
    """Three steps, and the logits of the first window after them; how clear the routers' choices were."""
    c = configuration(FOLDERS[name])
    model = drawn(name, np.random.RandomState(sum(map(ord, name)))).train()
    windows = np.random.RandomState(seed).randint(0, c.V, (family.STEPS, c.B, length + 1))
    tokens, targets = windows[..., :-1].copy(), windows[..., 1:].copy()
    choices, losses, margin, fewest = [], [], math.inf, math.inf
    for module in model.modules():
        if type(module).__name__ in family.ROUTERS:
            module.register_forward_hook(
                lambda router, _, output: choices.append(family.Choice(router, output[0], output[2])))
    optimizer = optimizer_of(model)
    for step in range(family.STEPS):
        choices.clear()
        output = model(torch.tensor(tokens[step]), labels=torch.tensor(tokens[step]),
                       shift_labels=torch.tensor(targets[step]))
        losses.append(torch.nn.functional.cross_entropy(
            output.logits.reshape(-1, c.V), torch.tensor(targets[step]).flatten()).item())
        optimizer.zero_grad(set_to_none=True)
        output.loss.backward()
        optimizer.step()
        margin = min([margin] + [choice.margin(c) for choice in choices])
        fewest = min([fewest] + [choice.rows(c).min().item() for choice in choices])
    with torch.no_grad():
        logits = model.eval()(torch.tensor(tokens[0])).logits.numpy()
    result = {"step_tokens": tokens.astype(np.int32), "step_targets": targets.astype(np.int32),
              "tokens": tokens[0].astype(np.int32), "losses": np.array(losses),
              "logits": logits.astype(np.float32)}
    return result, margin, fewest


def clear_steps(name, length):
    """With the first texts of which every choice of experts is clear, and every expert has tokens: AdamW of one
    tensor for all experts moves those without tokens too, which is not what moec does."""
    for seed in range(1000):
        result, margin, fewest = steps(name, length, seed)
        if margin >= family.MARGIN and fewest > 0:
            return result
    raise SystemExit(f"error: {name}: no text leaves a margin of {family.MARGIN}")


def write(name, path):
    model, folder, result, trained = build(name)
    shutil.rmtree(path, ignore_errors=True)
    more = {"max_shard_size": folder.shards} if folder.shards else {}
    if folder.stacked:
        more["save_original_format"] = False
    model.config.dtype = folder.dtype
    model.save_pretrained(path, **more)
    for other in path.glob("generation_config.json"):
        other.unlink()
    write_results(path, result, trained)


def write_results(path, result, trained):
    (path / "expected.safetensors").write_bytes(safetensors(result, {"steps": "1"}))
    facts = {"steps": str(family.STEPS), "learning_rate": str(LEARNING_RATE)}
    (path / "trained.safetensors").write_bytes(safetensors(trained, facts))


def check(name, path):
    _, _, result, trained = build(name)
    with tempfile.TemporaryDirectory() as place:
        write_results(pathlib.Path(place), result, trained)
        for file in ("expected.safetensors", "trained.safetensors"):
            require_same(path / file, (pathlib.Path(place) / file).read_bytes())


def load(path):
    """A folder of moec's and the one that it came from give the same logits; no word is said in loading."""
    said = []
    words = logging.Handler(logging.WARNING)
    words.emit = lambda record: said.append(record.getMessage())
    transformers.logging.set_verbosity_warning()
    transformers.logging.add_handler(words)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, report = transformers.AutoModelForCausalLM.from_pretrained(
            path, output_loading_info=True, dtype=torch.float32, **family.EAGER)
    if any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        raise SystemExit(f"error: {path}: {report}")
    if said:
        raise SystemExit(f"error: {path}: {said}")
    tensors, _ = read_tensors((path / "from" / "expected.safetensors").read_bytes())
    with torch.no_grad():
        logits = model(torch.tensor(tensors["tokens"].astype(np.int64))).logits.numpy()
    largest = abs(tensors["logits"]).max()
    print(json.dumps({"difference": float(abs(logits - tensors["logits"]).max() / largest)}))


PROMPT = "The three most important things to know about the sea are"


def expect(path, out):
    """Logits of 64 tokens in single precision, and the 40 tokens that are likeliest one after the other."""
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    coder = transformers.AutoTokenizer.from_pretrained(path)
    text = pathlib.Path(__file__).read_text(encoding="utf-8")
    tokens = coder(text, add_special_tokens=False, return_tensors="pt").input_ids[:, :64]
    prompt = coder(PROMPT, add_special_tokens=False, return_tensors="pt").input_ids
    with torch.no_grad():
        logits = model(tokens).logits
        written = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=40,
                                 do_sample=False, eos_token_id=None, pad_token_id=0)
    facts = {"steps": "1", "prompt": PROMPT, "text": coder.decode(written[0])}
    pathlib.Path(out).write_bytes(safetensors({
        "tokens": tokens.numpy().astype(np.int32), "logits": logits.numpy(),
        "written": written.numpy().astype(np.int32)}, facts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write none")
    parser.add_argument("--load", type=pathlib.Path, nargs="+", help="load folders that moec exported")
    parser.add_argument("--expect", nargs=2, help="write what the model of a folder makes of a text")
    parser.add_argument("names", nargs="*", help="of these only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if options.expect:
        return expect(*options.expect)
    if options.load:
        for path in options.load:
            load(path)
        return
    for name in options.names or FOLDERS:
        path = HERE / "folders" / name
        check(name, path) if options.check else write(name, path)
        print(name, sum(f.stat().st_size for f in path.iterdir()), "bytes")


if __name__ == "__main__":
    main()
