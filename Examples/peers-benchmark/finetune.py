#!/usr/bin/env python3
"""Times fine-tuning steps of a folder of transformers by PyTorch, in single precision: all of it, or low-rank adapters.

    pip install torch transformers peft
    python3 Examples/peers-benchmark/finetune.py FOLDER [--lora 8] [--context 256] [--batch 2] [--threads 2]

Prints the least and the middle of seven steps (forward, backward, AdamW), and the most memory that the process had.
"""

import argparse
import resource
import sys
import time

import torch
import transformers

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--lora", type=int)
    parser.add_argument("--context", type=int, default=256)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = transformers.AutoModelForCausalLM.from_pretrained(options.folder, dtype=torch.float32).train()
    if options.lora:
        import peft
        model = peft.get_peft_model(model, peft.LoraConfig(
            r=options.lora, lora_alpha=2 * options.lora, target_modules=LINEAR))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    tokens = torch.randint(0, model.config.vocab_size, (options.batch, options.context))
    seconds = []
    for _ in range(8):
        begin = time.perf_counter()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - begin)
    seconds = sorted(seconds[1:])  # the first one makes the moments
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"least {seconds[0]:.2f} s, middle {seconds[len(seconds) // 2]:.2f} s, {memory / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
