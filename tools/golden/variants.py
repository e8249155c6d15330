#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference values from Hugging Face for models that differ from GPT-2 in their configuration: small folders that it wrote, each
with logits, losses and all gradients, computed in float64 from the float32 weights.

Usage: variants.py GOLDEN_DIR/variants
"""
import json
import os
import shutil
import sys

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from make_golden import enlarge, gradients, save, token_loss

VARIANTS = {
    "exact-gelu": dict(activation_function="gelu"),
    "quick-gelu-narrow": dict(activation_function="quick_gelu", n_inner=12),
    "relu-epsilon": dict(activation_function="relu", layer_norm_epsilon=0.1),
    "silu-untied-sharded": dict(activation_function="silu", tie_word_embeddings=False),
    "unscaled": dict(activation_function="gelu_fast", scale_attn_weights=False),
    "inverse-layer": dict(activation_function="gelu_pytorch_tanh", scale_attn_by_inverse_layer_idx=True, n_inner=40),
    "no-bias": dict(activation_function="gelu"),
}


def variant(folder, name, seed, layers=3, heads=2, width=8, vocab=19, positions=9, batch=2, seq=7, **config):
    torch.manual_seed(seed)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=vocab, n_positions=positions, n_embd=width, n_layer=layers, n_head=heads,
                                       attn_pdrop=0.0, resid_pdrop=0.0, embd_pdrop=0.0, bos_token_id=0, eos_token_id=0,
                                       **config))
    enlarge(model)
    if name == "no-bias":
        for parameter, p in model.named_parameters():
            if parameter.endswith("bias"):
                torch.nn.init.zeros_(p)
    model.save_pretrained(folder, max_shard_size="6KB" if "sharded" in name else "5GB")
    if name == "no-bias":
        path = os.path.join(folder, "config.json")
        fields = json.load(open(path))
        json.dump({**fields, "bias": False}, open(path, "w"), indent=2)
    model.double()
    tokens = torch.randint(0, vocab, (batch, seq + 1))
    x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    logits, loss = token_loss(model, x, y)
    log_p = logits.log_softmax(-1)
    out = {"input_ids": x, "labels": y, "logits": logits, "token_loss": loss,
           "token_entropy": -(log_p.exp() * log_p).sum(-1)}
    grads = gradients(model, loss.mean())
    out.update({"grad." + n: g for n, g in grads.items() if name != "no-bias" or not n.endswith("bias")})
    save(folder, out, seed=seed)
    print(f"{folder}: {len(out)} tensors, mean loss {loss.mean():.6f}")


def main():
    torch.set_num_threads(1)
    for i, (name, config) in enumerate(VARIANTS.items()):
        folder = os.path.join(sys.argv[1], name)
        shutil.rmtree(folder, ignore_errors=True)
        variant(folder, name, 10 + i, **config)


if __name__ == "__main__":
    main()
