"""Makes families.json, with the PyPI package tokenizers (0.23): small tokenizers of the kinds that language models
have, trained on texts in many scripts, and what texts and tokens become of each other.

    python -m venv venv && venv/bin/pip install tokenizers==0.23.3
    venv/bin/python make_families.py
"""

import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

HERE = Path(__file__).parent

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
          r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN = LLAMA3.replace("{1,3}", "")
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
GPT4O = "|".join([
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+"])
DEEPSEEK = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CJK = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+"

TEXTS = [
    "", " ", "  a", "x", "The cat's hat wasn't HERE'S or we'LL'd; it\u017fs 'Re'tRy CamelCaseWords iPhone",
    "In 1984 there were 12345678 people, 3.14159 \u00bd \u2167 \u0663\u0664\u0665 x2y3 1,000",
    "def f(x):\n    return {'a': [1, 2]}  // ok\r\n\r\n\n\n  \t end\n",
    "\u00c9cole \u00e0 la fran\u00e7aise, Stra\u00dfe, e\u0301te\u0301 \u01c5ungla \ufb01ne \u212bngstr\u00f6m",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u03ba\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627 \u0639\u0644\u064a\u0643\u0645",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01 \uc548\ub155 \u1112\u1161\u11ab\u1100\u116e\u11a8",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8 mixed\u6f22\u5b57text 2024\u5e74",
    "\U0001f600\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f1e9\U0001f1ea \ufdfa \u3000wide\u00a0space\u2028line\u0085",
    "<|begin|>system<|end|> text <|begin|><|end|>\n<s>x</s> <unk>", "\u2581under \u2581\u2581 line\u2581",
    "a\U00018de5b \U0001e041\u1df6\u0345 \U00011de3x3 \u07fd\u0d3b\u2e4f!\u2e43 \U00010d4a\u32ff\u1cf3",
    "   leading,   trailing   ", "\n\n\nlines\n \n\t\n", "!!!??? ... -- \u2014 \u00ab\u00bb \u300c\u300d $100 50% a_b c-d",
]


def random_text(seed, count):
    chance = random.Random(seed)
    pools = [range(0x20, 0x7f), range(0x9, 0xe), range(0x80, 0x3100), range(0x3100, 0xd800),
             range(0x10000, 0x20000)]
    return "".join(chr(chance.choice(chance.choice(pools))) for _ in range(count))


RANDOM = [random_text(seed, 120) for seed in range(6)]


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def plain_bytes(prefix=False, regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def of_bytes(*steps, normalizer=None, size=420, post=None, **options):
    tokenizer = Tokenizer(models.BPE(**options))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(list(steps))
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|begin|>", "<|end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(TEXTS, trainer)
    if post:
        tokenizer.post_processor = post
    return tokenizer


def of_characters(*steps, normalizer=None, decoder=None, size=420, fallback=True):
    options = {"byte_fallback": True, "unk_token": "<unk>", "fuse_unk": True} if fallback else {"unk_token": "<unk>"}
    tokenizer = Tokenizer(models.BPE(**options))
    if normalizer:
        tokenizer.normalizer = normalizer
    if steps:
        tokenizer.pre_tokenizer = steps[0] if len(steps) == 1 else pre_tokenizers.Sequence(list(steps))
    if decoder:
        tokenizer.decoder = decoder
    special = ["<unk>", "<s>", "</s>"] + (["<0x%02X>" % byte for byte in range(256)] if fallback else [])
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, show_progress=False, limit_alphabet=90)
    tokenizer.train_from_iterator([t for t in TEXTS if "<" not in t], trainer)
    data = json.loads(tokenizer.to_str())
    # Bytes are tokens of the vocabulary, not special ones.
    data["added_tokens"] = [t for t in data["added_tokens"] if not t["content"].startswith("<0x")]
    return Tokenizer.from_str(json.dumps(data))


def template():
    return processors.TemplateProcessing(
        single="<|begin|> $A", pair="<|begin|> $A <|end|> $B", special_tokens=[("<|begin|>", 0), ("<|end|>", 1)])


def metaspace(scheme, split=True):
    return pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme=scheme, split=split)


SENTENCE = decoders.Sequence([
    decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])

TOKENIZERS = {
    "llama 3": of_bytes(split(LLAMA3), plain_bytes(), post=template(), ignore_merges=True),
    "qwen": of_bytes(split(QWEN), plain_bytes(), normalizer=normalizers.NFC()),
    "gpt-4o": of_bytes(split(GPT4O), plain_bytes()),
    "smollm": of_bytes(pre_tokenizers.Digits(individual_digits=True), plain_bytes(regex=True)),
    "digits together": of_bytes(pre_tokenizers.Digits(individual_digits=False), plain_bytes(prefix=True, regex=True)),
    "deepseek": of_bytes(split(r"\p{N}{1,3}"), split(CJK), split(DEEPSEEK), plain_bytes()),
    "olmo": of_bytes(plain_bytes(regex=True), normalizer=normalizers.NFC()),
    "punctuation": of_bytes(pre_tokenizers.Punctuation(), split(r"\s+", "merged_with_next"), plain_bytes()),
    "whitespace": of_bytes(pre_tokenizers.WhitespaceSplit(), plain_bytes()),
    "words": of_bytes(pre_tokenizers.Whitespace(), plain_bytes()),
    "merged before": of_bytes(split(r"[aeiou]", "merged_with_previous"), split("[.]|\\s", "contiguous"), plain_bytes()),
    "inverted": of_bytes(split(r"\p{L}+|\p{M}+", "isolated", True), plain_bytes()),
    "text removed": of_bytes(pre_tokenizers.Split("a", "removed"), plain_bytes()),
    "compatible": of_bytes(plain_bytes(regex=True), normalizer=normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()])),
    "nfkc": of_bytes(plain_bytes(regex=True), normalizer=normalizers.NFKC()),
    "nfd": of_bytes(plain_bytes(regex=True), normalizer=normalizers.NFD()),
    "llama 2": of_characters(normalizer=normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]), decoder=SENTENCE),
    "mistral": of_characters(metaspace("first", split=False), decoder=SENTENCE),
    "metaspace": of_characters(metaspace("always"), decoder=decoders.Metaspace()),
    "metaspace never": of_characters(
        metaspace("never"), decoder=decoders.Metaspace(prepend_scheme="never"), fallback=False),
    "gemma": of_characters(
        pre_tokenizers.Split(" ", "merged_with_previous"), normalizer=normalizers.Replace(" ", "\u2581"),
        decoder=decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])),
}


def case(name, tokenizer):
    chance = random.Random(name)
    size = tokenizer.get_vocab_size()
    drawn = [[chance.randrange(size) for _ in range(40)] for _ in range(3)]
    texts = TEXTS + RANDOM
    tokens = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
    return {
        "name": name, "file": tokenizer.to_str(pretty=True), "tokens": tokens,
        "decoded": [tokenizer.decode(ids, skip_special_tokens=True) for ids in tokens],
        "whole": [tokenizer.encode(text).ids for text in texts[3:6]],
        "random": [{"tokens": ids, "text": tokenizer.decode(ids, skip_special_tokens=False)} for ids in drawn],
    }


if __name__ == "__main__":
    cases = {"texts": TEXTS + RANDOM, "tokenizers": [case(n, t) for n, t in TOKENIZERS.items()]}
    (HERE / "families.json").write_text(
        json.dumps(cases, ensure_ascii=True, separators=(",", ":")) + "\n", encoding="ascii")
