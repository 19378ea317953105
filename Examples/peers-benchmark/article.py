"""PyTorch as the article structures it: a module for every head, a module for every expert."""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shapes import draw


class Head(nn.Module):
    def __init__(self, s):
        super().__init__()
        size = s.width // s.heads
        self.query, self.key, self.value = (nn.Linear(s.width, size, bias=False) for _ in range(3))
        self.register_buffer("past", torch.ones(s.context, s.context).tril() == 1)
        self.dropout = nn.Dropout(s.dropout)
        self.scale = s.width ** -0.5  # by the width, not by the head's size

    def forward(self, x):
        length = x.shape[1]
        scores = self.query(x) @ self.key(x).transpose(1, 2) * self.scale
        scores = scores.masked_fill(~self.past[:length, :length], float("-inf"))
        return self.dropout(scores.softmax(-1)) @ self.value(x)


class Attention(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.heads = nn.ModuleList(Head(s) for _ in range(s.heads))
        self.proj = nn.Linear(s.width, s.width)
        self.dropout = nn.Dropout(s.dropout)

    def forward(self, x):
        return self.dropout(self.proj(torch.cat([head(x) for head in self.heads], dim=-1)))


class Router(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.gate, self.noise = nn.Linear(s.width, s.experts), nn.Linear(s.width, s.experts)
        self.chosen = s.chosen

    def forward(self, x):
        logits = self.gate(x)
        noisy = logits + torch.randn_like(logits) * F.softplus(self.noise(x))  # in evaluation too
        best, index = noisy.topk(self.chosen, dim=-1)
        others = torch.full_like(noisy, float("-inf"))
        return others.scatter(-1, index, best).softmax(-1), index


class Expert(nn.Sequential):
    def __init__(self, s):
        super().__init__(nn.Linear(s.width, 4 * s.width), nn.ReLU(),
                         nn.Linear(4 * s.width, s.width), nn.Dropout(s.dropout))


class Mixture(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.router = Router(s)
        self.experts = nn.ModuleList(Expert(s) for _ in range(s.experts))

    def forward(self, x):
        weights, index = self.router(x)
        result = torch.zeros_like(x)
        for number, expert in enumerate(self.experts):
            sees = (index == number).any(-1)
            if sees.any():
                result[sees] += expert(x[sees]) * weights[sees, number].unsqueeze(-1)
        return result


class Block(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.attention, self.mixture = Attention(s), Mixture(s)
        self.norm1, self.norm2 = nn.LayerNorm(s.width), nn.LayerNorm(s.width)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mixture(self.norm2(x))


class Model(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.token, self.position = nn.Embedding(s.vocabulary, s.width), nn.Embedding(s.context, s.width)
        self.blocks = nn.Sequential(*(Block(s) for _ in range(s.depth)))
        self.final, self.head = nn.LayerNorm(s.width), nn.Linear(s.width, s.vocabulary)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, tokens):
        x = self.token(tokens) + self.position(torch.arange(tokens.shape[1]))
        return self.head(self.final(self.blocks(x)))


def named_as_ours(model):
    """The parameters as arrays under the names that examples/makemoe.swift gives them."""
    values = {"token.weight": model.token.weight, "position.weight": model.position.weight,
              "final.weight": model.final.weight, "final.bias": model.final.bias,
              "head.weight": model.head.weight, "head.bias": model.head.bias}
    for number, block in enumerate(model.blocks):
        attention, mixture, name = block.attention, block.mixture, f"block.{number}."
        for role in ("query", "key", "value"):
            values[name + f"attention.{role}.weight"] = torch.cat(
                [getattr(head, role).weight for head in attention.heads])
        for path, module in (("attention.norm", block.norm1), ("mixture.norm", block.norm2),
                             ("attention.proj", attention.proj), ("mixture.gate", mixture.router.gate),
                             ("mixture.noise", mixture.router.noise)):
            values[name + path + ".weight"], values[name + path + ".bias"] = module.weight, module.bias
        for path, place in (("mixture.up", 0), ("mixture.down", 2)):
            for part in ("weight", "bias"):
                values[name + path + "." + part] = torch.stack(
                    [getattr(expert[place], part) for expert in mixture.experts])
    return {name: value.detach().numpy() for name, value in values.items()}


class Peer:
    def __init__(self, shapes, threads, options, path):
        torch.manual_seed(1)
        torch.set_num_threads(threads)
        self.shapes = shapes
        self.model = Model(shapes)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=shapes.learning_rate)

    def losses(self, tokens, targets):
        logits = self.model(torch.from_numpy(tokens))
        return F.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten())

    def step(self, tokens, targets):
        self.model.train()
        loss = self.losses(tokens, targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def loss(self, tokens, targets):
        self.model.eval()
        return self.losses(tokens, targets).item()

    @torch.no_grad()
    def generate(self, window, count, random):
        self.model.eval()
        tokens = list(window)
        for _ in range(count):
            last = torch.tensor([tokens[-self.shapes.context:]])
            tokens.append(draw(self.model(last)[0, -1].numpy().astype(np.float64), random))
        return tokens[len(window):]
