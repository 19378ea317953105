"""The same model in JAX: tokens sorted by expert, `ragged_dot` over all experts, one compiled step."""
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from shapes import draw


def initial(key, s):
    """Parameters as a tree; blocks are stacked along the first axis."""
    def normal(*shape):
        nonlocal key
        key, mine = jax.random.split(key)
        return jax.random.normal(mine, shape) * (2 / shape[-1]) ** 0.5

    width, depth, experts = s.width, s.depth, s.experts
    block = {
        "norm1": (jnp.ones((depth, width)), jnp.zeros((depth, width))),
        "norm2": (jnp.ones((depth, width)), jnp.zeros((depth, width))),
        "qkv": normal(depth, 3 * width, width),
        "proj": (normal(depth, width, width), jnp.zeros((depth, width))),
        "router": (normal(depth, 2 * experts, width), jnp.zeros((depth, 2 * experts))),
        "up": (normal(depth, experts, 4 * width, width), jnp.zeros((depth, experts, 4 * width))),
        "down": (normal(depth, experts, width, 4 * width), jnp.zeros((depth, experts, width))),
    }
    key, a, b = jax.random.split(key, 3)
    return {"token": jax.random.normal(a, (s.vocabulary, width)),
            "position": jax.random.normal(b, (s.context, width)), "block": block,
            "final": (jnp.ones(width), jnp.zeros(width)),
            "head": (normal(s.vocabulary, width), jnp.zeros(s.vocabulary))}


def norm(x, parameters):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * parameters[0] + parameters[1]


def dropped(x, rate, key):
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0) if rate else x


def attention(x, p, s, rate, keys):
    batch, length, width = x.shape
    q, k, v = jnp.moveaxis((x @ p["qkv"].T).reshape(batch, length, 3, s.heads, -1), 2, 0)
    scores = jnp.einsum("bthd,bshd->bhts", q, k) * width ** -0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    weights = dropped(jax.nn.softmax(scores), rate, keys[0])
    y = jnp.einsum("bhts,bshd->bthd", weights, v).reshape(batch, length, width)
    return dropped(y @ p["proj"][0].T + p["proj"][1], rate, keys[1])


def mixture(x, p, s, rate, keys):
    logits, spread = jnp.split(x @ p["router"][0].T + p["router"][1], 2, axis=-1)
    noisy = logits + jax.random.normal(keys[2], logits.shape) * jax.nn.softplus(spread)
    best, index = jax.lax.top_k(noisy, s.chosen)
    expert = index.ravel()
    order = jnp.argsort(expert, stable=True)
    source, counts = order // s.chosen, jnp.bincount(expert, length=s.experts)
    expert = expert[order]
    hidden = jax.lax.ragged_dot(x[source], p["up"][0].transpose(0, 2, 1), counts) + p["up"][1][expert]
    rows = jax.lax.ragged_dot(jax.nn.relu(hidden), p["down"][0].transpose(0, 2, 1), counts)
    rows = dropped(rows + p["down"][1][expert], rate, keys[3])
    rows = rows * jax.nn.softmax(best).ravel()[order][:, None]
    return jnp.zeros_like(x).at[source].add(rows)


def logits(parameters, tokens, key, s, rate):
    x = parameters["token"][tokens] + parameters["position"][:tokens.shape[1]]

    def block(x, given):
        p, key = given
        keys = jax.random.split(key, 4)
        x = x + attention(norm(x, p["norm1"]), p, s, rate, keys)
        flat = norm(x, p["norm2"]).reshape(-1, s.width)
        return x + mixture(flat, p, s, rate, keys).reshape(x.shape), None

    x, _ = jax.lax.scan(block, x, (parameters["block"], jax.random.split(key, s.depth)))
    return norm(x, parameters["final"]) @ parameters["head"][0].T + parameters["head"][1]


def loss(parameters, tokens, targets, key, s, rate):
    rows = jax.nn.log_softmax(logits(parameters, tokens, key, s, rate))
    return -jnp.take_along_axis(rows, targets[..., None], axis=-1).mean()


@partial(jax.jit, static_argnums=4, donate_argnums=0)
def step(state, tokens, targets, key, s):
    parameters, first, second, count = state
    value, gradient = jax.value_and_grad(loss)(parameters, tokens, targets, key, s, s.dropout)
    count = count + 1
    first = jax.tree.map(lambda m, g: m + 0.1 * (g - m), first, gradient)
    second = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), second, gradient)

    def moved(p, m, v):
        ahead = m / (1 - 0.9 ** count) / (jnp.sqrt(v / (1 - 0.999 ** count)) + 1e-8)
        return p * (1 - s.learning_rate * 0.01) - s.learning_rate * ahead

    return (jax.tree.map(moved, parameters, first, second), first, second, count), value


class Peer:
    def __init__(self, shapes, threads, options, path):
        self.shapes, self.key = shapes, jax.random.key(1)
        parameters = initial(jax.random.key(0), shapes)
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        self.state = (parameters, zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.float32(0))
        self.evaluate = jax.jit(partial(loss, s=shapes, rate=0.0))
        self.last = jax.jit(lambda p, tokens, key: logits(p, tokens, key, shapes, 0.0)[0, -1])

    def next_key(self):
        self.key, mine = jax.random.split(self.key)
        return mine

    def step(self, tokens, targets):
        self.state, value = step(self.state, tokens, targets, self.next_key(), self.shapes)
        return float(value)

    def loss(self, tokens, targets):
        return float(self.evaluate(self.state[0], tokens, targets, self.next_key()))

    def generate(self, window, count, random):
        tokens = list(window)
        for _ in range(count):
            last = np.array([tokens[-self.shapes.context:]])
            row = self.last(self.state[0], last, self.next_key())
            tokens.append(draw(np.asarray(row, dtype=np.float64), random))
        return tokens[len(window):]
