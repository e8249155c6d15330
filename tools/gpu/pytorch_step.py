#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times GPT-2 training steps in PyTorch on the GPU, with random tokens and weights: the peer of tools/gpu/run.

A step is forward, loss, backward, clipping, and AdamW. Needs only PyTorch. Prints one JSON object with the field names of
`bench step --json`.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

VOCABULARY = 50257
SIZES = {"demo": (4, 4, 128), "gpt2": (12, 12, 768), "gpt2-medium": (24, 16, 1024), "gpt2-large": (36, 20, 1280)}


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); x (B, T, C)."""

    def __init__(self, heads, width):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        batch, seq, width = x.shape
        q, k, v = (part.view(batch, seq, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(batch, seq, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt2(nn.Module):
    """Loss of ids (B, T) against targets (B, T). The token embedding is also the head."""

    def __init__(self, layers, heads, width, seq):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.places = nn.Embedding(seq, width)
        self.blocks = nn.ModuleList(Block(heads, width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.view(-1, VOCABULARY), targets.reshape(-1))


def size(name):
    if name in SIZES:
        return SIZES[name]
    layers, width = map(int, name.split("x"))
    return layers, max(1, width // 64), width


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--mode", choices=["float32", "tf32", "bf16"], required=True,
                         help="float32 and tf32: eager; bf16: compiled, under autocast")
    options.add_argument("--model", default="gpt2", help="a preset, or LAYERSxWIDTH")
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--seq", type=int, default=1024)
    options.add_argument("--steps", type=int, default=10)
    options.add_argument("--warmup", type=int, default=5)
    options.add_argument("--device", default="cuda")
    o = options.parse_args()

    # Make sure that float32 is not TF32, and TF32 not float32.
    torch.set_float32_matmul_precision("high" if o.mode == "tf32" else "highest")
    torch.manual_seed(1)
    model = Gpt2(*size(o.model), o.seq).to(o.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    loss_of = torch.compile(model) if o.mode == "bf16" else model

    def step():
        ids = torch.randint(VOCABULARY, (o.batch, o.seq + 1), device=o.device)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(o.device, dtype=torch.bfloat16, enabled=o.mode == "bf16"):
            loss = loss_of(ids[:, :-1], ids[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()  # waits for the device

    for _ in range(o.warmup):
        step()
    seconds = []
    for _ in range(o.steps):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    print(json.dumps({
        "who": f"PyTorch {torch.__version__}, {o.mode} {'compiled' if o.mode == 'bf16' else 'eager'}",
        "model": o.model, "batch": o.batch, "seq": o.seq, "step_s": median, "step_s_min": min(seconds),
        "tokens_per_s": o.batch * o.seq / median,
        "peak_device_bytes": torch.cuda.max_memory_allocated() if o.device == "cuda" else 0,
    }, separators=(",", ":")))


if __name__ == "__main__":
    main()
