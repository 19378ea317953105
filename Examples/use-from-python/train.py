"""Trains a compiled model and lets it write, with ctypes and numpy alone.

    moec compile Examples/makemoe.swift -o libmodel.so
    python3 Examples/use-from-python/train.py ./libmodel.so Data/shakespeare.txt 300 1337

It draws the batches of `moec run libmodel.so --train`, so it ends with the same parameters."""
import ctypes as c, functools, json, sys
import numpy as np
FIRST_PARAMETERS, BATCH, STEP, TEXT, NOISE_OF_TEXT = 1, 2, 3, 7, 8  # purposes
GOLDEN = np.uint64(0x9E3779B97F4A7C15)

def mix(x):
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return x ^ x >> np.uint64(31)

def draw(seed, purpose, index, count=1):
    # Number n is mix(key + (n + 1) GOLDEN), where key mixes seed, purpose, index and 0 in turn.
    words = np.split(mix(np.array([seed, purpose, index, 0], np.uint64) + GOLDEN), 4)
    key = functools.reduce(lambda key, word: mix(key ^ word), words)
    return [int(number) for number in mix(key + np.arange(1, count + 1, dtype=np.uint64) * GOLDEN)]

class Hyper(c.Structure):
    floats = "learning_rate", "beta1", "beta2", "epsilon", "weight_decay"
    _fields_ = [(name, c.c_float) for name in floats] + [("seed", c.c_uint64)]

library, text = c.CDLL(sys.argv[1]), open(sys.argv[2], encoding="utf-8").read()
steps, seed = int(sys.argv[3]), int(sys.argv[4])
library.moec_manifest.restype, library.moec_error.restype = c.c_char_p, c.c_char_p
library.moec_create.restype, library.moec_train_step.restype = c.c_void_p, c.c_float
manifest = json.loads(library.moec_manifest())
B, T, V = manifest["batch"], manifest["context"], manifest["vocabulary"]
letters = sorted(set(text))
train = np.array([letters.index(letter) for letter in text[: len(text) * 9 // 10]], np.int32)
model = c.c_void_p(library.moec_create())
library.moec_initialize(model, c.c_uint64(draw(seed, FIRST_PARAMETERS, 0)[0]))
for step in range(steps):  # windows start anywhere in 0 ..< len(train) - T
    starts = [number * (len(train) - T) >> 64 for number in draw(seed, BATCH, step, B)]
    window = np.add.outer(starts, np.arange(T))
    hyper = Hyper(**manifest["defaults"], seed=draw(seed, STEP, step)[0])
    tokens, targets = train[window].ctypes, train[window + 1].ctypes
    loss = library.moec_train_step(model, tokens, targets, c.byref(hyper))
    if np.isnan(loss):
        sys.exit(library.moec_error(model).decode())
    if step % 100 == 0 or step == steps - 1:
        print(f"step {step}: loss {loss:.4f}")
written, logits = [0], np.empty((T, V), np.float32)
for i, number in enumerate(draw(seed, TEXT, 0, 200)):
    seen = np.array(written[-T:], np.int32)
    noise = c.c_uint64(draw(seed, NOISE_OF_TEXT, i)[0])
    library.moec_logits(model, seen.ctypes, len(seen), noise, logits.ctypes)
    weights = np.cumsum(np.exp(logits[len(seen) - 1, : len(letters)].astype(np.float64)))
    written.append(int(np.searchsorted(weights, (number >> 11) * 2.0**-53 * weights[-1], "right")))
print("".join(letters[token] for token in written[1:]))
bits = [np.empty(np.prod(parameter["shape"]), np.uint32) for parameter in manifest["parameters"]]
for index, value in enumerate(bits):
    library.moec_read(model, 0, index, value.ctypes)
total = np.sum(mix(np.arange(sum(map(len, bits)), dtype=np.uint64) * GOLDEN + np.concatenate(bits)))
print(f"parameters after {steps} steps: {total:016x}")
