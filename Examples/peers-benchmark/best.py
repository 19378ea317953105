"""The fastest PyTorch that we could write for the same model.

Heads are one product, experts are stacked and see tokens sorted by expert, gates weight rows before they
are added back, AdamW is fused. Options: `pad` (one batched product over experts, padded to the fullest,
instead of one product for each), `sdpa` (PyTorch's fused attention where dropout allows it), `compile`.
"""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shapes import draw


def normal(*shape):
    return nn.Parameter(torch.randn(shape) * math.sqrt(2 / shape[-1]))


def uniform(inputs, *shape):
    return nn.Parameter((torch.rand(shape) * 2 - 1) / math.sqrt(inputs))


class Block(nn.Module):
    def __init__(self, s, options):
        super().__init__()
        self.s, self.options, width = s, options, s.width
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj, self.proj_bias = normal(3 * width, width), normal(width, width), uniform(width, width)
        self.router, self.router_bias = normal(2 * s.experts, width), uniform(width, 2 * s.experts)
        self.up, self.up_bias = normal(s.experts, 4 * width, width), uniform(width, s.experts, 4 * width)
        self.down, self.down_bias = normal(s.experts, width, 4 * width), uniform(4 * width, s.experts, width)
        self.register_buffer("mask", torch.full((s.context, s.context), float("-inf")).triu(1))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mixture(self.norm2(x).flatten(0, 1)).view_as(x)

    def attention(self, x):
        s, (batch, length, width) = self.s, x.shape
        q, k, v = F.linear(x, self.qkv).view(batch, length, 3, s.heads, -1).permute(2, 0, 3, 1, 4)
        scale = width ** -0.5
        if "sdpa" in self.options or not self.training:
            rate = s.dropout if self.training else 0.0
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=rate, scale=scale)
        else:
            q, k, v = (t.reshape(batch * s.heads, length, -1) for t in (q, k, v))
            mask = self.mask[:length, :length].expand(batch * s.heads, length, length)
            weights = torch.baddbmm(mask, q, k.transpose(1, 2), alpha=scale).softmax(-1)
            y = (F.dropout(weights, s.dropout) @ v).view(batch, s.heads, length, -1)
        y = F.linear(y.transpose(1, 2).reshape(batch, length, width), self.proj, self.proj_bias)
        return F.dropout(y, s.dropout, self.training)

    def mixture(self, x):
        s = self.s
        logits, spread = F.linear(x, self.router, self.router_bias).split(s.experts, dim=-1)
        noisy = logits + torch.randn_like(logits) * F.softplus(spread)
        best, index = noisy.topk(s.chosen, dim=-1)
        gates = best.softmax(-1).flatten()
        expert, order = index.flatten().sort(stable=True)
        source = order // s.chosen
        counts = torch.bincount(expert, minlength=s.experts)
        rows = self.padded(x, source, expert, counts) if "pad" in self.options else self.ragged(
            x[source], counts.tolist())
        rows = F.dropout(rows, s.dropout, self.training) * gates[order].unsqueeze(-1)
        return torch.zeros_like(x).index_add(0, source, rows)

    def ragged(self, rows, counts):
        """Expert by expert, each as many rows as it has."""
        results = []
        for number, part in enumerate(rows.split(counts)):
            hidden = torch.addmm(self.up_bias[number], part, self.up[number].t()).relu_()
            results.append(torch.addmm(self.down_bias[number], hidden, self.down[number].t()))
        return torch.cat(results)

    def padded(self, x, source, expert, counts):
        """All experts at once, each as many rows as the fullest."""
        most = int(counts.max())
        place = torch.arange(len(source)) - (counts.cumsum(0) - counts)[expert] + expert * most
        rows = x.new_zeros(self.s.experts * most, x.shape[1]).index_copy(0, place, x[source])
        rows = rows.view(self.s.experts, most, -1)
        hidden = torch.baddbmm(self.up_bias.unsqueeze(1), rows, self.up.transpose(1, 2)).relu_()
        rows = torch.baddbmm(self.down_bias.unsqueeze(1), hidden, self.down.transpose(1, 2))
        return rows.flatten(0, 1)[place]


class Model(nn.Module):
    def __init__(self, s, options):
        super().__init__()
        self.token, self.position = nn.Parameter(torch.randn(s.vocabulary, s.width)), nn.Parameter(
            torch.randn(s.context, s.width))
        self.blocks = nn.ModuleList(Block(s, options) for _ in range(s.depth))
        self.final = nn.LayerNorm(s.width)
        self.head, self.head_bias = normal(s.vocabulary, s.width), uniform(s.width, s.vocabulary)

    def forward(self, tokens, last_only=False):
        x = F.embedding(tokens, self.token) + self.position[:tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return F.linear(self.final(x[:, -1:] if last_only else x), self.head, self.head_bias)


def take(model, values):
    """Sets the parameters from arrays under our names."""
    def get(name):
        return torch.from_numpy(np.array(values[name]))
    with torch.no_grad():
        model.token.copy_(get("token.weight"))
        model.position.copy_(get("position.weight"))
        model.head.copy_(get("head.weight"))
        model.head_bias.copy_(get("head.bias"))
        for number, block in enumerate(model.blocks):
            name = f"block.{number}."
            attention, mixture = name + "attention.", name + "mixture."
            block.qkv.copy_(torch.cat([get(f"{attention}{role}.weight") for role in ("query", "key", "value")]))
            block.router.copy_(torch.cat([get(mixture + "gate.weight"), get(mixture + "noise.weight")]))
            block.router_bias.copy_(torch.cat([get(mixture + "gate.bias"), get(mixture + "noise.bias")]))
            for path, weight, bias in (("attention.proj", block.proj, block.proj_bias),
                                       ("mixture.up", block.up, block.up_bias),
                                       ("mixture.down", block.down, block.down_bias)):
                weight.copy_(get(name + path + ".weight"))
                bias.copy_(get(name + path + ".bias"))
        for path, norm in [("final", model.final)] + [
                (f"block.{n}.{part}.norm", norm) for n, block in enumerate(model.blocks)
                for part, norm in (("attention", block.norm1), ("mixture", block.norm2))]:
            norm.weight.copy_(get(path + ".weight"))
            norm.bias.copy_(get(path + ".bias"))


class Peer:
    def __init__(self, shapes, threads, options, path):
        torch.manual_seed(1)
        torch.set_num_threads(threads)
        self.shapes, self.model = shapes, Model(shapes, options)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=shapes.learning_rate, fused=True)
        self.forward = torch.compile(self.model) if "compile" in options else self.model

    def losses(self, tokens, targets):
        logits = self.forward(torch.from_numpy(tokens))
        return F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten())

    def step(self, tokens, targets):
        self.model.train()
        loss = self.losses(tokens, targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.inference_mode()
    def loss(self, tokens, targets):
        self.model.eval()
        return self.losses(tokens, targets).item()

    @torch.inference_mode()
    def generate(self, window, count, random):
        self.model.eval()
        tokens = list(window)
        for _ in range(count):
            last = torch.tensor([tokens[-self.shapes.context:]])
            tokens.append(draw(self.forward(last, True)[0, -1].numpy().astype(np.float64), random))
        return tokens[len(window):]
