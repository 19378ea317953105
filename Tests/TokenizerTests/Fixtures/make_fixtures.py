"""Makes cases.json, with the PyPI package tokenizers (0.23): what texts and tokens become of
each other under many kinds of tokenizers, and what BpeTrainer learns from small texts.

    python -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python make_fixtures.py
"""

import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, trainers

HERE = Path(__file__).parent

PROSE = """First Citizen:
Before we proceed any further, hear me speak.

All:
Speak, speak. We're resolved; we'll die rather than famish. It's thy people's, isn't it?
"""
CODE = "def f(x_1):\n\tif x_1 != 42:\n        return [i**2 for i in range(10)]  # 'squares'\r\n\r\n\n"
TEXTS = [
    "", " ", "\n", "a", PROSE, CODE,
    "don't I'll they've we're I'm he'd 'S x'S ''s ' 's 'l 'lx 'v",
    "\u00e9 e\u0301 \u00df \u01c5 \u0663\u0664 \u00bd \u2167 \u00b2x \u6f22\u5b57\u304b\u306a \ud55c\uad6d\uc5b4 "
    "\u0939\u093f\u0928\u094d\u0926\u0940 \u05e2\u05b4\u05d1",
    "\U0001f600\U0001f469\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f\U0001f1e9\U0001f1ea!\U0001f3fb",
    "a\u00a0b\u3000\u3000c\u2028d \u0085e\u200bf \n g\t\t\th   i  ",
    "  leading and trailing   ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "<|end|>x<|end|><|end|> a  <mask>  b<mask>\u00e9 <mask> word xword wordx word\nword <|endless|>",
    "</s>a</s> </s>b\u2581c \u2581",
]


def random_text(seed, count):
    """Characters from everywhere, so that every class meets every other."""
    chance = random.Random(seed)
    pools = [range(0x20, 0x7f), range(0x9, 0xe), range(0x80, 0x3100), range(0x10000, 0x20000)]
    return "".join(chr(chance.choice(chance.choice(pools))) for _ in range(count))


TEXTS += [random_text(seed, 300) for seed in range(4)]


def byte_level(**options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, **options)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def trainer(size, special=()):
    return trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(special), show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def trained(size, special=(), **options):
    tokenizer = byte_level(**options)
    tokenizer.train_from_iterator(TEXTS, trainer(size, special))
    return tokenizer


def changed(tokenizer, change):
    """The tokenizer whose file is that of another one, changed."""
    data = json.loads(tokenizer.to_str())
    change(data)
    return Tokenizer.from_str(json.dumps(data))


def added():
    tokenizer = trained(320, ["<|end|>"])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, rstrip=True)])
    tokenizer.add_tokens([
        AddedToken("word", single_word=True), "<|endless|>", AddedToken("\u00e9", normalized=False)])
    return tokenizer


def characters():
    symbols = sorted(set(PROSE))
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(symbols)}, []))
    return tokenizer


def sentence_piece(fuse_unk=False, all_bytes=True):
    """The way Llama 2 does it: spaces as U+2581, bytes for what is not known."""
    letters = sorted(set("\u2581abcdefghijklmnopqrstuvwxyz.,'\n"))
    names = ["<unk>", "<s>", "</s>"]
    names += ["<0x%02X>" % byte for byte in range(256 if all_bytes else 0xe0)]
    names += letters
    merges = [("\u2581", "t"), ("h", "e"), ("\u2581t", "he"), ("a", "a"), ("aa", "aa"), ("r", "e")]
    names += [a + b for a, b in merges]
    model = models.BPE(
        {name: i for i, name in enumerate(names)}, merges, unk_token="<unk>", fuse_unk=fuse_unk,
        byte_fallback=True)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence([
        decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
        decoders.Strip(" ", 1, 0)])
    tokenizer.add_special_tokens([AddedToken("<s>", normalized=False)])
    tokenizer.add_special_tokens([AddedToken("</s>", normalized=True)])
    return tokenizer


def unknown(fuse):
    names = {"<unk>": 0, "a": 1, "b": 2, "ab": 3, " ": 4}
    return Tokenizer(models.BPE(names, [("a", "b")], unk_token="<unk>", fuse_unk=fuse))


def whole(text):
    """Merges without any splitting: one long piece."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.train_from_iterator([text], trainers.BpeTrainer(vocab_size=90, show_progress=False))
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


def without_bytes(data):
    """Takes some bytes' tokens away, and every merge with them."""
    gone = set("xq\u0120\u00e2")
    model = data["model"]
    model["vocab"] = {k: v for k, v in model["vocab"].items() if not gone & set(k)}
    model["merges"] = [m for m in model["merges"] if not gone & set(m[0] + m[1])]


TOKENIZERS = {
    "byte level": trained(400),
    "special tokens": trained(330, ["<|end|>", "<pad>"]),
    "added tokens": added(),
    "prefix space": changed(
        added(), lambda d: d["pre_tokenizer"].update(add_prefix_space=True)),
    "no pattern": trained(400, use_regex=False),
    "old merges": trained(300),
    "characters": characters(),
    "ignores merges": changed(trained(400), lambda d: d["model"].update(
        ignore_merges=True, merges=d["model"]["merges"][:40])),
    "missing bytes": changed(trained(300), without_bytes),
    "byte fallback": sentence_piece(),
    "some bytes": sentence_piece(all_bytes=False),
    "some bytes, fused": sentence_piece(all_bytes=False, fuse_unk=True),
    "unknown": unknown(False),
    "unknown, fused": unknown(True),
    "one piece": whole(PROSE * 2 + CODE),
}


def case(name, tokenizer):
    file = tokenizer.to_str(pretty=True)
    given = json.loads(file)
    if name == "old merges":
        given["model"]["merges"] = [" ".join(pair) for pair in given["model"]["merges"]]
    chance = random.Random(name)
    size = tokenizer.get_vocab_size()
    random_tokens = [[chance.randrange(size + 2) for _ in range(60)] for _ in range(6)]
    tokens = [tokenizer.encode(text, add_special_tokens=False).ids for text in TEXTS]
    return {
        "name": name, "given": json.dumps(given, ensure_ascii=False), "file": file,
        "tokens": tokens,
        "decoded": [tokenizer.decode(ids, skip_special_tokens=True) for ids in tokens],
        "random": [
            {"tokens": ids, "text": tokenizer.decode(ids, skip_special_tokens=False)}
            for ids in random_tokens],
    }


def training(text, size, special, lines):
    tokenizer = byte_level()
    sequences = text.splitlines(keepends=True) if lines else [text]
    tokenizer.train_from_iterator(sequences, trainer(size, special))
    return {"text": text, "size": size, "special": special, "lines": lines,
            "file": tokenizer.to_str(pretty=True)}


def ranges(pattern):
    """First and last code point of each run of characters that a class has."""
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    found = []
    for value in range(0x110000):
        if 0xd800 <= value < 0xe000 or split.pre_tokenize_str(chr(value)):
            continue
        if found and found[-1][1] == value - 1:
            found[-1][1] = value
        else:
            found.append([value, value])
    return found


TIES = "ab cd ef gh ab cd ef gh abab cdcd abcabc bcabca aaaa aaaaa aaa"
BROKEN = [
    b"ab\xff\xfec", b"\xe2\x82", b"\xe2\x82x\xf0\x9f\x98", b"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80",
    bytes(random.Random(5).randrange(256) for _ in range(400)),
]

cases = {
    "texts": TEXTS,
    "tokenizers": [case(name, tokenizer) for name, tokenizer in TOKENIZERS.items()],
    "trainings": [
        training(PROSE * 3 + CODE, 300, [], False), training(PROSE * 3 + CODE, 320, ["<|end|>"], True),
        training(TIES, 290, [], False), training(random_text(9, 3000), 400, [], False),
        training(TIES, 5000, ["<a>", "!", "<b>"], False),
    ],
    "bytes": [
        {"bytes": list(data),
         "tokens": TOKENIZERS["byte level"].encode(data.decode("utf-8", "replace")).ids}
        for data in BROKEN],
    "classes": {
        "letter": ranges(r"\p{L}"), "number": ranges(r"\p{N}"), "space": ranges(r"\s")},
}
(HERE / "cases.json").write_text(
    json.dumps(cases, ensure_ascii=True, separators=(",", ":")) + "\n", encoding="ascii")
