#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times GPT-2 124M training steps in PyTorch on the GPU, on random tokens and weights: the peer of tools/gpu/run.

Forward, loss, backward, clipping, AdamW. Prints a line: mode, median seconds of a step, tokens per second, peak memory.
"""
import argparse
import statistics
import time

import torch
from transformers import GPT2Config, GPT2LMHeadModel

VOCABULARY = 50257


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--mode", choices=["float32", "tf32", "bf16"], required=True,
                         help="float32 and tf32 eager, bf16 compiled and under autocast")
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--seq", type=int, default=1024)
    options.add_argument("--steps", type=int, default=10)
    options.add_argument("--warmup", type=int, default=5)
    o = options.parse_args()

    # float32 must not become TF32 behind our back, nor the other way round.
    torch.set_float32_matmul_precision("high" if o.mode == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = o.mode == "tf32"
    torch.manual_seed(1)
    config = GPT2Config(n_positions=o.seq, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, use_cache=False)
    model = GPT2LMHeadModel(config).cuda().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    forward = torch.compile(model) if o.mode == "bf16" else model

    def step():
        ids = torch.randint(VOCABULARY, (o.batch, o.seq + 1), device="cuda")
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=o.mode == "bf16"):
            logits = forward(ids[:, :-1]).logits
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        torch.cuda.synchronize()

    for _ in range(o.warmup):
        step()
    seconds = []
    for _ in range(o.steps):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    print(f"PyTorch {torch.__version__} {o.mode}: {median:.4f} s a step of {o.batch} x {o.seq} (least {min(seconds):.4f}), "
          f"{o.batch * o.seq / median:.0f} tokens/s, {torch.cuda.max_memory_allocated() >> 20} MB")


if __name__ == "__main__":
    main()
