"""Makes added_tokens.json, with the PyPI package tokenizers (0.23): what becomes of small texts
under all kinds of added tokens, those of white space among them.

    python -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python make_added_tokens.py

Texts for which the package panics (a token begins after its own end) are left out.
"""

import json
import random
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, normalizers

HERE = Path(__file__).parent
LETTERS = "ab. \n\t\u3000\u2581_<>x"
CONTENTS = [" ", "  ", "\n", "\n\n", "\t", " \n", "\u3000", "<a>", "<a> ", " <a>", "a", "ab", "aab", ".",
            "\u2581", "\u2581a", "a b", "x"]
PIECES = CONTENTS + ["a", "b", " ", "  ", "   ", "\n", "<a>", "ab", ".", "_", "<", "\u3000 ", "\u2581"]


def tokenizer(chance):
    result = Tokenizer(models.BPE({letter: i for i, letter in enumerate(LETTERS)}, []))
    kind = chance.randrange(4)
    if kind == 1:
        result.normalizer = normalizers.Sequence(
            [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    elif kind == 2:
        result.normalizer = normalizers.Replace("  ", "\n")
    for content in chance.sample(CONTENTS, chance.randint(1, 5)):
        flags = {name: chance.random() < 0.4
                 for name in ("single_word", "lstrip", "rstrip", "normalized")}
        token = AddedToken(content, special=chance.random() < 0.4, **flags)
        (result.add_special_tokens if token.special else result.add_tokens)([token])
    return result


def cases(seed, count):
    chance = random.Random(seed)
    for _ in range(count):
        made = tokenizer(chance)
        texts, tokens = [], []
        for _ in range(8):
            text = "".join(chance.choices(PIECES, k=chance.randint(1, 9)))
            try:
                tokens.append(made.encode(text, add_special_tokens=False).ids)
            except BaseException as failure:  # a panic is no Exception
                if type(failure).__name__ != "PanicException":
                    raise
                continue
            texts.append(text)
        yield {"file": made.to_str(), "texts": texts, "tokens": tokens}


(HERE / "added_tokens.json").write_text(
    json.dumps(list(cases(1, 150)), ensure_ascii=True, separators=(",", ":")) + "\n",
    encoding="ascii")
