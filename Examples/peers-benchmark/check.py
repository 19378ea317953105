"""Before anything is timed: do the peers compute the same?

    python check.py LIB.so TEXT

`best` against `article` in loss and every gradient, with the same parameters, the same router noise and
no dropout; then ours against `article` in the mean loss of batches, as their random numbers differ.
"""
import sys
from dataclasses import replace

import torch

import article
import best
import ours
from shapes import Corpus, Shapes


def gradients(peer, tokens, targets):
    peer.model.train()
    torch.manual_seed(7)
    loss = peer.losses(tokens, targets)
    loss.backward()
    return loss.item(), {name: p.grad for name, p in peer.model.named_parameters()}


def check_best(shapes, corpus, options):
    still = replace(shapes, dropout=0.0)
    a, b = article.Peer(still, 2, [], None), best.Peer(still, 2, options, None)
    best.take(b.model, article.named_as_ours(a.model))
    tokens, targets = corpus.batch("train")
    (loss_a, grad_a), (loss_b, grad_b) = gradients(a, tokens, targets), gradients(b, tokens, targets)
    # The gradients take the way of the parameters: into an article's model, under our names, into a best.
    for parameter in a.model.parameters():
        gradient = parameter.grad
        parameter.data = torch.zeros_like(parameter) if gradient is None else gradient
    expected = best.Model(still, options)
    best.take(expected, article.named_as_ours(a.model))
    worst = max((grad_b[name] - value).norm().item() / (value.norm().item() + 1e-12)
                for name, value in expected.named_parameters())
    print(f"best {'+'.join(options) or '-'}: loss {loss_b:.6f} and {loss_a:.6f}, "
          f"gradients differ by {worst:.1e} at most")
    assert abs(loss_a - loss_b) < 1e-4 * abs(loss_a) and worst < 1e-3


def check_ours(shapes, corpus, path):
    a, o = article.Peer(shapes, 2, [], None), ours.Peer(shapes, 2, [], path)
    o.write(article.named_as_ours(a.model))
    batches = [corpus.batch("validation") for _ in range(30)]
    means = [sum(peer.loss(*batch) for batch in batches) / len(batches) for peer in (a, o)]
    print(f"ours: mean loss {means[1]:.4f} and {means[0]:.4f}")
    assert abs(means[0] - means[1]) < 0.01 * means[0]


def main():
    path, text = sys.argv[1:3]
    shapes = Shapes.of(ours.manifest(path), heads=8, chosen=2)
    corpus = Corpus(text, shapes)
    for options in ([], ["pad"], ["sdpa"], ["pad", "sdpa"]):
        check_best(shapes, corpus, options)
    check_ours(shapes, corpus, path)


if __name__ == "__main__":
    main()
