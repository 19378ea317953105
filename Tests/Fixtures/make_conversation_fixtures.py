#!/usr/bin/env python3
"""Writes what transformers makes of conversations: tokens, and which of them are an assistant's.

    pip install transformers tokenizers
    python3 Tests/Fixtures/make_conversation_fixtures.py                  writes conversations/small.json
    python3 Tests/Fixtures/make_conversation_fixtures.py --real FOLDER    writes conversations/smollm2.json, of the
                                                                          tokenizer in FOLDER
    either with --check                                                   compares with the file instead

Where a template marks answers, the mask is that of apply_chat_template(return_assistant_tokens_mask=True).
Elsewhere it is of the tokens that have characters of an answer: from where the text up to it, with the prompt for an
answer, ends to where the text with it ends, a line's end behind the last special token left out.
"""

import argparse
import json
import pathlib
import sys

import tokenizers
import transformers

HERE = pathlib.Path(__file__).resolve().parent / "conversations"

CHATML = (
    "{% for message in messages %}{{ '<|start|>' + message['role'] + '\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start|>assistant\\n' }}{% endif %}")
MARKED = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}<|start|>assistant\n\n"
    "{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}\n\n{% else %}"
    "{{ '<|start|>' + message['role'] + '\n' + message['content'] + '<|end|>' }}\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}")
PLAIN = (  # no special token around: tokens may reach over borders
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}")

CONVERSATIONS = [
    [("user", "Why is the sea blue?"), ("assistant", "It mirrors the sky.")],
    [("system", "You rhyme."), ("user", "Hello there"), ("assistant", "Hello bear"), ("user", "And now?"),
     ("assistant", "\n\nA cow — né, 海?\n")],
    [("user", "two"), ("assistant", ""), ("assistant", "  spaced answers  ")],
    [("user", "<|end|> inside"), ("assistant", "a <|start|> b")],
    [("user", "nobody answers")],
]


def small():
    """A byte-level tokenizer with a few merges."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=310, show_progress=False, special_tokens=["<|bos|>", "<|start|>", "<|end|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
    texts = [content for conversation in CONVERSATIONS for _, content in conversation] * 2 + ["assistant:\n\n", "user:\n"] * 3
    tokenizer.train_from_iterator(texts, trainer)
    return json.loads(tokenizer.to_str())


def loaded(tokenizer):
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|bos|>", eos_token="<|end|>")


def spans(fast, template, messages, whole):
    """Where answers are in the text, by what the template makes of the messages up to them."""
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        def text(part, answers):
            return fast.apply_chat_template(
                part, chat_template=template, tokenize=False, add_generation_prompt=answers)
        before, through = text(messages[:index], True), text(messages[:index + 1], False)
        if not whole.startswith(before) or not whole.startswith(through):
            return None
        yield len(before), len(through)


def expected(fast, template, conversation):
    messages = [{"role": role, "content": content} for role, content in conversation]
    whole = fast.apply_chat_template(messages, chat_template=template, tokenize=False)
    coded = fast(whole, add_special_tokens=False, return_offsets_mapping=True)
    tokens = coded["input_ids"]
    if "generation" in template.split("add_generation_prompt")[0]:
        made = fast.apply_chat_template(
            messages, chat_template=template, return_assistant_tokens_mask=True, return_dict=True)
        assert made["input_ids"] == tokens
        return {"tokens": tokens, "mask": made["assistant_masks"]}
    mask = [0] * len(tokens)
    for start, end in spans(fast, template, messages, whole):
        own = [i for i, (a, b) in enumerate(coded["offset_mapping"]) if b > start and a < end]
        special = [i for i in own if tokens[i] in fast.all_special_ids]
        if special and not fast.decode(tokens[special[-1] + 1:own[-1] + 1]).strip():
            own = [i for i in own if i <= special[-1]]
        for i in own:
            mask[i] = 1
    return {"tokens": tokens, "mask": mask}


def make(real):
    if real:
        fast = transformers.AutoTokenizer.from_pretrained(real)
        cases, tokenizer = [("own", fast.chat_template)], None
        conversations = [[(role, text.replace("<|end|>", "<|im_end|>").replace("<|start|>", "<|im_start|>"))
                          for role, text in conversation] for conversation in CONVERSATIONS]
    else:
        tokenizer = small()
        fast = loaded(tokenizers.Tokenizer.from_str(json.dumps(tokenizer)))
        fast.add_special_tokens({"additional_special_tokens": ["<|start|>"]})
        cases, conversations = [("chatml", CHATML), ("marked", MARKED), ("plain", PLAIN)], CONVERSATIONS
    made = {"conversations": conversations, "cases": [
        {"name": name, "template": template if not real else None,
         "expected": [expected(fast, template, conversation) for conversation in conversations]}
        for name, template in cases]}
    return {**made, "tokenizer": tokenizer} if tokenizer else made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", metavar="FOLDER")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    path = HERE / ("smollm2.json" if arguments.real else "small.json")
    text = json.dumps(make(arguments.real), ensure_ascii=False, separators=(",", ":")) + "\n"
    if arguments.check:
        sys.exit(0 if path.read_text() == text else f"{path} is another")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


main()
