#!/usr/bin/env python3
"""Loads low-rank adapters that moec exported with PEFT, and compares logits.

    python3 Tests/Scripts/load_adapters.py BASE ADAPTER LOGITS ...

BASE is a folder of transformers with expected.safetensors, whose tokens are read; LOGITS is a safetensors file with
what the adapted model is to make of them.
"""

import json
import pathlib
import sys
import warnings

import safetensors.numpy
import torch
import transformers
from peft import PeftModel


def difference(base, adapter, logits):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        base, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager")
    tokens = torch.tensor(safetensors.numpy.load_file(f"{base}/expected.safetensors")["tokens"].astype("int64"))
    with torch.no_grad():
        plain = model(tokens).logits.numpy()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        adapted = PeftModel.from_pretrained(model, adapter).eval()
    lost = [str(w.message) for w in said if "adapter keys" in str(w.message)]
    if lost:
        raise SystemExit(f"error: {adapter}: {lost}")
    with torch.no_grad():
        found = adapted(tokens).logits.numpy()
    expected = safetensors.numpy.load_file(logits)["logits"].reshape(found.shape)
    largest = abs(expected).max()
    return {"name": pathlib.Path(base).name, "difference": float(abs(found - expected).max() / largest),
            "moved": float(abs(found - plain).max() / largest)}


def main():
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    paths = sys.argv[1:]
    for index in range(0, len(paths), 3):
        print(json.dumps(difference(*paths[index:index + 3])))


if __name__ == "__main__":
    main()
