"""What transformers makes of rope_scaling: radians from a position to the next, and the amplitude.

    python make_rotary_fixtures.py > rotary-scaling.json
"""

import json

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

CASES = {
    "linear": (64, 1e4, {"rope_type": "linear", "factor": 4.0}),
    "llama3": (
        128,
        5e5,
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    ),
    "yarn": (64, 1e6, {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}),
    "yarn without whole pairs": (
        64,
        15e4,
        {
            "rope_type": "yarn",
            "factor": 32.0,
            "beta_fast": 32.0,
            "beta_slow": 1.0,
            "truncate": False,
            "original_max_position_embeddings": 4096,
        },
    ),
}

result = {}
for name, (depth, base, scaling) in CASES.items():
    config = LlamaConfig(
        hidden_size=4 * depth,
        num_attention_heads=4,
        max_position_embeddings=131072,
        rope_parameters={"rope_theta": base, **scaling},
    )
    turns, amplitude = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, "cpu")
    result[name] = {"turns": turns.tolist(), "amplitude": float(amplitude)}
print(json.dumps(result, indent=1))
