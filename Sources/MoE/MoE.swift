// MoE
