#!/usr/bin/env python3
"""Writes choices.json: questions, and what the small Llama of folders/llama makes of their choices in transformers.

    pip install torch transformers tokenizers
    python3 Tests/Fixtures/make_choice_fixtures.py              writes it
    python3 Tests/Fixtures/make_choice_fixtures.py --check      compares with it instead

The likelihood of a choice is the sum of log p over its tokens, which are those behind as many as the question has alone:
the way of lm-evaluation-harness. A text that is longer than the context and a token loses its beginning.
"""

import argparse
import json
import pathlib

import tokenizers
import torch
import transformers

HERE = pathlib.Path(__file__).resolve().parent
CONTEXT = 12

QUESTIONS = [
    {"question": "abc", "choices": ["de", "fghi", "k"], "answer": 1},
    {"query": "a a", "choices": ["b", "c", "d", "e"], "gold": 3},
    {"ctx": "hop on", "endings": ["a deck", "a mill", "f"], "label": "2"},
    {"goal": "dig a hole", "sol1": "a digger", "sol2": "a feeble", "label": 0},
    {"question": "kamel", "choices": {"text": ["a", "lamp", "pan"], "label": ["1", "2", "3"]}, "answerKey": "2"},
    {"question_stem": "ma", "choices": {"text": ["il", "ke it"], "label": ["A", "B"]}, "answerKey": "A"},
    {"question": "a question of many things", "choices": ["pack", "lack"], "answer": "lack"},
]


def tokenizer():
    vocabulary = {"<e>": 0, " ": 1, **{chr(97 + i): i + 2 for i in range(17)}}
    model = tokenizers.models.BPE(vocab=vocabulary, merges=[], unk_token="<e>")
    return tokenizers.Tokenizer(model)


def parts(question):
    asked = next(question[name] for name in ("question", "query", "ctx", "goal", "question_stem") if name in question)
    choices = question.get("choices") or question.get("endings") or [question["sol1"], question["sol2"]]
    return asked, choices["text"] if isinstance(choices, dict) else choices


def likelihood(model, coder, asked, choice):
    before = coder.encode(asked).ids
    tokens = coder.encode(asked + " " + choice).ids
    count = len(tokens) - len(before)
    tokens = tokens[-(CONTEXT + 1):]
    with torch.no_grad():
        scores = torch.log_softmax(model(torch.tensor([tokens[:-1]])).logits[0], -1)
    return sum(scores[i - 1, tokens[i]].item() for i in range(len(tokens) - count, len(tokens)))


def make():
    model = transformers.AutoModelForCausalLM.from_pretrained(HERE / "folders/llama").double().eval()
    coder = tokenizer()
    found = []
    for question in QUESTIONS:
        asked, choices = parts(question)
        found.append([likelihood(model, coder, asked, choice) for choice in choices])
    return {"context": CONTEXT, "tokenizer": json.loads(coder.to_str()), "questions": QUESTIONS, "likelihoods": found}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    made, path = make(), HERE / "choices.json"
    if not parser.parse_args().check:
        path.write_text(json.dumps(made, separators=(",", ":")) + "\n")
        return
    there = json.loads(path.read_text())
    for one, other in zip(made.pop("likelihoods"), there.pop("likelihoods"), strict=True):
        assert all(abs(a - b) < 1e-9 for a, b in zip(one, other, strict=True)), (one, other)
    assert made == there, "choices.json is of other questions"


main()
