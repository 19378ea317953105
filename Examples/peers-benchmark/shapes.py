"""What every peer must know of the model: its sizes, and the text it learns."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shapes:
    batch: int
    context: int
    width: int
    experts: int
    chosen: int
    heads: int
    depth: int
    vocabulary: int
    dropout: float = 0.1
    learning_rate: float = 1e-3

    @staticmethod
    def of(manifest, heads, chosen):
        """The sizes of a compiled makemoe; heads and chosen experts are no axes of its parameters."""
        axes = manifest["axes"]
        blocks = {name.split(".")[1] for name in (p["name"] for p in manifest["parameters"])
                  if name.startswith("block.")}
        return Shapes(
            batch=manifest["batch"], context=manifest["context"], width=axes["C"], experts=axes["E"],
            chosen=chosen, heads=heads, depth=len(blocks), vocabulary=manifest["vocabulary"],
            learning_rate=manifest["defaults"]["learning_rate"])


class Corpus:
    """A text as characters, nine tenths of it for training; batches are windows at random places."""

    def __init__(self, path, shapes, seed=1):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        characters = sorted(set(text))
        if len(characters) != shapes.vocabulary:
            raise SystemExit(f"{path} has {len(characters)} different characters, the model "
                             f"{shapes.vocabulary}: compile the model with that vocabulary")
        number = {character: index for index, character in enumerate(characters)}
        ids = np.array([number[character] for character in text], dtype=np.int64)
        cut = len(ids) * 9 // 10
        self.parts = {"train": ids[:cut], "validation": ids[cut:]}
        self.shapes = shapes
        self.random = np.random.default_rng(seed)

    def batch(self, part):
        """Tokens and their successors, int64 [B, T] each."""
        ids, shapes = self.parts[part], self.shapes
        start = self.random.integers(0, len(ids) - shapes.context, shapes.batch)
        place = start[:, None] + np.arange(shapes.context)
        return ids[place], ids[place + 1]

    def window(self):
        """One full context of text, a list of numbers."""
        return self.batch("validation")[0][0].tolist()


def draw(logits, random):
    """A token of softmax(logits)."""
    weights = np.exp(logits - logits.max())
    return int(random.choice(len(weights), p=weights / weights.sum()))
