#!/usr/bin/env python3
"""Writes the fixtures of other families: small random models of Hugging Face's transformers, three steps each.

    pip install torch transformers
    python3 Tests/Fixtures/make_family_fixtures.py              writes all of them
    python3 Tests/Fixtures/make_family_fixtures.py --check      compares with what is there instead
    python3 Tests/Fixtures/make_family_fixtures.py NAME ...     the same of some only

The models are the classes of transformers, run in double precision throughout; how far single precision is
from that is printed. The seed is the first for which every choice of experts is clear by MARGIN and every
expert has tokens in every step: AdamW of one tensor for all experts moves those without tokens too, which
is not what moec does.
"""

import argparse
import contextlib
import math
import pathlib
from dataclasses import asdict, dataclass
from typing import Optional

import numpy as np
import torch
import transformers
from torch.nn import functional as F

from make_fixtures import require_same, safetensors

HERE = pathlib.Path(__file__).resolve().parent
STEPS = 3
MARGIN = 1e-3
ROUTERS = ("MixtralTopKRouter", "Qwen2MoeTopKRouter", "Qwen3MoeTopKRouter", "OlmoeTopKRouter",
           "GptOssTopKRouter", "DeepseekV3TopkRouter")


@dataclass
class Configuration:
    """Numbers at which a mistake shows: the epsilon of norms is large, limits and windows are reached."""

    name: str
    family: str
    B: int = 2
    T: int = 9
    V: int = 19
    C: int = 16
    heads: int = 4
    key_heads: int = 2
    head_depth: int = 4
    layers: int = 2
    F: int = 12                               # the width of an expert, or of a dense layer
    E: int = 0                                # 0: no experts
    k: int = 0
    shared: int = 0                           # the width of the expert of all tokens
    dense: int = 0                            # the width of the first layer, where that has no experts
    normalized: bool = True                   # weights of the chosen experts sum to 1
    groups: int = 1
    kept_groups: int = 1
    scaled: float = 1.0
    query_rank: int = 0                       # of latent attention, DeepSeek's: what queries are made of,
    key_rank: int = 0                         # and keys and values;
    turned_depth: int = 0                     # a head's numbers that are turned by position, beside others
    value_depth: int = 0
    window: Optional[int] = None              # of the first, the third, ... layer
    limit: Optional[float] = None             # of gpt-oss's gated unit
    base: float = 1e4                         # of rotary positions
    norm_epsilon: float = 1e-3
    balance: float = 0.0
    learning_rate: float = 1e-2
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-5
    weight_decay: float = 0.1
    bias_rate: float = 0.0


CONFIGURATIONS = [
    Configuration("llama", "llama", F=24),
    Configuration("gpt2", "gpt2", key_heads=4, F=64, learning_rate=1e-3),
    Configuration("mixtral", "mixtral", E=4, k=2, base=1e6, balance=0.02),
    Configuration("qwen2-moe", "qwen2-moe", E=6, k=2, shared=20, normalized=False, balance=0.02),
    Configuration("qwen3-moe", "qwen3-moe", head_depth=6, E=6, k=3, base=1e6, balance=0.02),
    Configuration("qwen3-moe-unnormalized", "qwen3-moe", head_depth=6, E=6, k=3, base=1e6,
                  normalized=False, balance=0.02),
    Configuration("olmoe", "olmoe", F=8, E=8, k=3, normalized=False, balance=0.02),
    Configuration("gpt-oss", "gpt-oss", T=10, head_depth=6, E=4, k=2, window=4, limit=1.0, base=1.5e5,
                  balance=0.02),
    Configuration("deepseek-v3", "deepseek-v3", T=10, F=8, E=12, k=3, shared=8, dense=24, groups=3,
                  kept_groups=2, scaled=2.5, query_rank=8, key_rank=6, turned_depth=4, value_depth=5,
                  balance=0.02, bias_rate=0.01),
]


@contextlib.contextmanager
def double_precision():
    """The models cast to single precision in places, by its names in torch: let those mean double."""
    names = ("float32", "float")
    old, old_method = [getattr(torch, name) for name in names], torch.Tensor.float
    for name in names:
        setattr(torch, name, torch.float64)
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        for name, value in zip(names, old):
            setattr(torch, name, value)
        torch.Tensor.float = old_method
        torch.set_default_dtype(torch.float32)


def trunk(c):
    """What the classes that follow Llama have in common."""
    return dict(
        vocab_size=c.V, hidden_size=c.C, intermediate_size=c.F, num_hidden_layers=c.layers,
        num_attention_heads=c.heads, num_key_value_heads=c.key_heads, head_dim=c.head_depth,
        max_position_embeddings=64, rms_norm_eps=c.norm_epsilon, use_cache=False,
        rope_parameters={"rope_type": "default", "rope_theta": c.base}, tie_word_embeddings=False,
        pad_token_id=None, bos_token_id=None, eos_token_id=None)


def mixture(c):
    return dict(num_experts=c.E, num_experts_per_tok=c.k, moe_intermediate_size=c.F,
                norm_topk_prob=c.normalized, router_aux_loss_coef=c.balance)


def llama(c):
    return transformers.LlamaForCausalLM(transformers.LlamaConfig(**trunk(c), **EAGER))


def gpt2(c):
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=c.V, n_positions=c.T, n_embd=c.C, n_layer=c.layers, n_head=c.heads, n_inner=c.F,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, layer_norm_epsilon=c.norm_epsilon,
        use_cache=False, bos_token_id=None, eos_token_id=None, attn_implementation="eager"))


def mixtral(c):
    return transformers.MixtralForCausalLM(transformers.MixtralConfig(
        **trunk(c), **EAGER, num_local_experts=c.E, num_experts_per_tok=c.k,
        router_aux_loss_coef=c.balance))


def qwen2_moe(c):
    return transformers.Qwen2MoeForCausalLM(transformers.Qwen2MoeConfig(
        **trunk(c), **EAGER, **mixture(c), shared_expert_intermediate_size=c.shared))


def qwen3_moe(c):
    return transformers.Qwen3MoeForCausalLM(transformers.Qwen3MoeConfig(
        **trunk(c), **EAGER, **mixture(c)))


def olmoe(c):
    return transformers.OlmoeForCausalLM(transformers.OlmoeConfig(
        **trunk(c), **EAGER, **mixture(c), clip_qkv=None))


def gpt_oss(c):
    return transformers.GptOssForCausalLM(transformers.GptOssConfig(
        **trunk(c), **EAGER, num_local_experts=c.E, num_experts_per_tok=c.k, sliding_window=c.window,
        router_aux_loss_coef=c.balance, swiglu_limit=c.limit))


def deepseek_v3(c):
    facts = {**trunk(c), "intermediate_size": c.dense, "num_key_value_heads": c.heads}
    del facts["head_dim"]
    return transformers.DeepseekV3ForCausalLM(transformers.DeepseekV3Config(
        **facts, **EAGER, first_k_dense_replace=1, moe_intermediate_size=c.F, n_routed_experts=c.E,
        num_experts_per_tok=c.k, n_shared_experts=c.shared // c.F, n_group=c.groups,
        topk_group=c.kept_groups, norm_topk_prob=True, routed_scaling_factor=c.scaled,
        q_lora_rank=c.query_rank, kv_lora_rank=c.key_rank, qk_nope_head_dim=c.head_depth,
        qk_rope_head_dim=c.turned_depth, v_head_dim=c.value_depth))


EAGER = dict(attn_implementation="eager", experts_implementation="eager")
MODELS = {"llama": llama, "gpt2": gpt2, "mixtral": mixtral, "qwen2-moe": qwen2_moe,
          "qwen3-moe": qwen3_moe, "olmoe": olmoe, "gpt-oss": gpt_oss, "deepseek-v3": deepseek_v3}


def initialize(model, random):
    """Values at which everything takes part. NumPy's frozen generator: the same from any version."""
    for name, tensor in held(model).items():
        deviation = 0.1 if name.endswith("e_score_correction_bias") else 0.3
        value = deviation * random.randn(*tensor.shape)
        if name.endswith("weight") and ("norm" in name or "ln_" in name):
            value = 1 + value
        tensor.data = torch.tensor(value.astype(np.float32), dtype=torch.get_default_dtype())


def held(model):
    """Parameters, and the bias of DeepSeek-V3's choice, which is none."""
    biases = {name: b for name, b in model.named_buffers() if name.endswith("e_score_correction_bias")}
    return {**dict(model.named_parameters()), **biases}


def values(model):
    return {name: value.detach().numpy().copy() for name, value in held(model).items()}


def gradients(model):
    return {name: p.grad.numpy().copy() for name, p in model.named_parameters()}


@dataclass
class Names:
    """Tensors of a layer under transformers' names, and where they go under moec's."""

    tensors: dict
    old: str
    result: dict
    new: str

    def get(self, name):
        return self.tensors.get(self.old + name)

    def put(self, name, value):
        if value is not None:
            self.result[self.new + name] = value

    def copy(self, source, target):
        for part in ("weight", "bias"):
            self.put(f"{target}.{part}", self.get(f"{source}.{part}"))


def stacked(c, tensors):
    """From transformers' names to moec's."""
    result = {}
    if c.family == "gpt2":
        names = Names(tensors, "transformer.", result, "")
        for old, new in (("wte", "token"), ("wpe", "position"), ("ln_f", "final")):
            names.copy(old, new)
        for l in range(c.layers):
            gpt2_layer(c, Names(tensors, f"transformer.h.{l}.", result, f"block.{l}."))
        return result
    names = Names(tensors, "", result, "")
    for old, new in (("model.embed_tokens", "token"), ("model.norm", "final"), ("lm_head", "head")):
        names.copy(old, new)
    for l in range(c.layers):
        llama_layer(c, Names(tensors, f"model.layers.{l}.", result, f"block.{l}."))
    return result


def gpt2_layer(c, names):
    """Matrices are [in, out]; queries, keys and values lie side by side."""
    for old, new in (("ln_1", "attention.norm"), ("ln_2", "mlp.norm")):
        names.copy(old, new)
    for part in ("weight", "bias"):
        joined = names.get(f"attn.c_attn.{part}")
        for index, kind in enumerate(("query", "key", "value")):
            names.put(f"attention.{kind}.{part}", joined[..., index * c.C:(index + 1) * c.C].T)
        for old, new in (("attn.c_proj", "attention.proj"), ("mlp.c_fc", "mlp.up"),
                         ("mlp.c_proj", "mlp.proj")):
            names.put(f"{new}.{part}", names.get(f"{old}.{part}").T)


def llama_layer(c, names):
    names.copy("input_layernorm", "attention.norm")
    for kind in ("q_proj", "k_proj", "v_proj", "o_proj", "q_norm", "k_norm"):
        names.copy(f"self_attn.{kind}", "attention." + kind.removesuffix("_proj"))
    for old, new in (("q_a_proj", "q_down"), ("q_a_layernorm", "q_norm"), ("q_b_proj", "q_up"),
                     ("kv_a_proj_with_mqa", "kv_down"), ("kv_a_layernorm", "kv_norm"),
                     ("kv_b_proj", "kv_up")):
        names.copy(f"self_attn.{old}", f"attention.{new}")
    names.put("attention.sinks", names.get("self_attn.sinks"))
    room = "mlp" if names.get("mlp.experts.down_proj") is None else "mixture"
    names.copy("post_attention_layernorm", f"{room}.norm")
    for kind in ("gate", "up", "down"):
        names.copy(f"mlp.{kind}_proj", f"mlp.{kind}")
        names.copy(f"mlp.shared_expert.{kind}_proj", f"mixture.shared.{kind}")
        names.copy(f"mlp.shared_experts.{kind}_proj", f"mixture.shared.{kind}")
    names.copy("mlp.shared_expert_gate", "mixture.share")
    if room == "mixture":
        names.copy("mlp.router" if c.family == "gpt-oss" else "mlp.gate", "mixture.router")
        names.put("mixture.bias", names.get("mlp.gate.e_score_correction_bias"))
        experts(c, names)


def experts(c, names):
    """Gates and ups are one tensor, one after the other; gpt-oss's [in, out] and in turns."""
    both, down = names.get("mlp.experts.gate_up_proj"), names.get("mlp.experts.down_proj")
    if c.family == "gpt-oss":
        both, down = np.swapaxes(both, 1, 2), np.swapaxes(down, 1, 2)
        biases = names.get("mlp.experts.gate_up_proj_bias")
        names.put("mixture.gate.bias", biases[:, ::2])
        names.put("mixture.up.bias", biases[:, 1::2])
        names.put("mixture.down.bias", names.get("mlp.experts.down_proj_bias"))
        gate, up = both[:, ::2], both[:, 1::2]
    else:
        gate, up = both[:, :c.F], both[:, c.F:]
    names.put("mixture.gate.weight", gate)
    names.put("mixture.up.weight", up)
    names.put("mixture.down.weight", down)


@dataclass
class Choice:
    """What a router chose in a step: how clear it was, how many tokens each expert got."""

    router: torch.nn.Module
    scores: torch.Tensor
    chosen: torch.Tensor

    def margin(self, c):
        if c.family != "deepseek-v3":
            return gap(self.scores, c.k)
        biased = self.scores.sigmoid() + self.router.e_score_correction_bias
        grouped = biased.view(-1, c.groups, c.E // c.groups)
        sums = grouped.sort(-1, descending=True).values[..., :2].sum(-1)
        best = sums.argsort(-1, descending=True)[:, :c.kept_groups]
        kept = grouped.gather(1, best[..., None].expand(-1, -1, c.E // c.groups)).flatten(1)
        return min(gap(sums, c.kept_groups), gap(kept, c.k))

    def rows(self, c):
        return torch.bincount(self.chosen.flatten(), minlength=c.E)

    def balance(self, c):
        """DeepSeek's loss: in each sequence the share of choices and the mean share of the scores."""
        shares = self.scores.sigmoid() / self.scores.sigmoid().sum(-1, keepdim=True)
        marks = F.one_hot(self.chosen, c.E).sum(-2).view(c.B, c.T, c.E).to(shares.dtype)
        frequency = marks.sum(1) * c.E / (c.k * c.T)
        return (frequency * shares.view(c.B, c.T, c.E).mean(1)).sum(-1).mean()

    def turn(self, c):
        """Moves the bias towards experts that had less."""
        rows = self.rows(c).double()
        self.router.e_score_correction_bias += c.bias_rate * torch.sign(rows.mean() - rows)


def gap(scores, k):
    ranked = scores.sort(-1, descending=True).values
    return (ranked[:, k - 1] - ranked[:, k]).min().item()


def objective(c, model, tokens, targets, choices):
    """Logits, cross-entropy, the value of the balance loss, and what is made small."""
    facts = {"shift_labels": targets}
    if c.balance and c.family != "deepseek-v3":
        facts["output_router_logits"] = True
    output = model(tokens, labels=targets, **facts)
    loss = F.cross_entropy(output.logits.reshape(-1, c.V), targets.flatten())
    if c.family == "deepseek-v3":
        balance = choices[0].balance(c)
        return output.logits, loss, balance, output.loss + c.balance * balance
    return output.logits, loss, getattr(output, "aux_loss", None), output.loss


@dataclass
class Run:
    tensors: dict
    margin: float
    fewest: int


def run(c, seed):
    """Three steps of AdamW; what is recorded of them."""
    random = np.random.RandomState(seed)
    model = MODELS[c.family](c).train()
    initialize(model, random)
    choices = []
    for module in model.modules():
        if type(module).__name__ in ROUTERS:
            module.register_forward_hook(
                lambda router, _, output: choices.append(Choice(router, output[0], output[2])))
    windows = random.randint(0, c.V, (STEPS, c.B, c.T + 1))
    tokens, targets = windows[..., :-1].copy(), windows[..., 1:].copy()
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=c.learning_rate, betas=(c.beta1, c.beta2), eps=c.epsilon,
        weight_decay=c.weight_decay)
    tensors = {f"initial/{name}": value for name, value in stacked(c, values(model)).items()}
    losses, terms, margin, fewest = [], [], math.inf, math.inf
    for step in range(STEPS):
        choices.clear()
        logits, loss, term, total = objective(
            c, model, torch.tensor(tokens[step]), torch.tensor(targets[step]), choices)
        rounding = 10 * torch.finfo(loss.dtype).eps
        assert abs(loss + (c.balance * term if c.balance else 0) - total) < rounding * total
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        if step == 0:
            tensors["logits"] = logits.detach().numpy().copy()
            for name, value in stacked(c, gradients(model)).items():
                tensors[f"gradient/{name}"] = value
        optimizer.step()
        losses.append(loss.item())
        terms += [term.item()] if c.balance else []
        assert len(choices) == (c.E > 0) * (c.layers - (c.dense > 0))
        for choice in choices:
            margin = min(margin, choice.margin(c))
            fewest = min(fewest, choice.rows(c).min().item())
            if c.bias_rate:
                choice.turn(c)
    tensors.update({f"final/{name}": value for name, value in stacked(c, values(model)).items()})
    tensors.update(tokens=tokens.astype(np.int32), targets=targets.astype(np.int32),
                   losses=np.array(losses), **({"terms": np.array(terms)} if terms else {}))
    return Run(tensors, margin, fewest)


def chosen_run(c):
    """The first seed whose run is clear, with tokens for every expert in every step."""
    for seed in range(1000):
        result = run(c, seed)
        if result.margin >= MARGIN and result.fewest > 0:
            return seed, result
    raise SystemExit(f"error: {c.name}: no seed leaves a margin of {MARGIN}")


def differences(run, exact):
    """The largest of each kind: of losses as they are, of other tensors relative to the largest element."""
    of_gradients = max(abs(v).max() for name, v in exact.items() if name.startswith("gradient/"))
    found = {}
    for name, value in exact.items():
        if name in ("tokens", "targets"):
            continue
        kind = name.split("/")[0].replace("terms", "losses")
        size = 1 if kind == "losses" else abs(value).max()
        size = max(size, 1e-3 * of_gradients) if kind == "gradient" else size
        found[kind] = max(found.get(kind, 0), abs(run[name] - value).max() / size)
    return found


def metadata(c, seed):
    facts = {**asdict(c), "seed": seed, "steps": STEPS}
    return {name: "none" if value is None else str(value) for name, value in facts.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the files, write none")
    parser.add_argument("names", nargs="*", help="of these configurations only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    for c in CONFIGURATIONS:
        if options.names and c.name not in options.names:
            continue
        with double_precision():
            seed, exact = chosen_run(c)
        path = HERE / "families" / f"{c.name}.safetensors"
        data = safetensors(exact.tensors, metadata(c, seed))
        if options.check:
            require_same(path, data)
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        print(f"{path.name}: {len(data)} bytes, seed {seed}, margin {exact.margin:.2g}, fewest rows "
              f"{exact.fewest}")
        single = differences(run(c, seed).tensors, exact.tensors)
        print("  single precision:", ", ".join(
            f"{name} {single[kind]:.0e}" for name, kind in (
                ("loss", "losses"), ("logits", "logits"), ("gradients", "gradient"), ("final", "final"))))


if __name__ == "__main__":
    main()
