#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What PyTorch computes for the ops in io.eslm.autograd.op.basic: output and gradients, kinks and ties among the inputs.

Everything is float64. Of each case the file holds its inputs (in0, in1, …), its output (out), the gradient of the output
(dout) and of each floating-point input (grad0, …). OpGoldenTest lists the same cases in Java.

Usage: ops.py FILE.safetensors
"""
import sys

import torch
from safetensors.torch import save_file
from torch.nn import functional as F

KINKS = [-1.5, -1.0, -0.25, -0.0, 0.0, 0.25, 1.0, 1.5]
TIES = [[1.0, 3.0, 3.0, -2.0], [0.5, 0.5, 0.5, 0.5], [-1.0, 2.0, -1.0, 0.0]]


def normal(*shape):
    """Values that a float can hold."""
    return torch.randn(shape, dtype=torch.float32).double()


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def ids(bound, *shape):
    return torch.randint(0, bound, shape, dtype=torch.int32)


def rotate_half(x):
    """transformers/models/llama/modeling_llama.py, rotate_half."""
    half = x.shape[-1] // 2
    return torch.cat((-x[..., half:], x[..., :half]), dim=-1)


def rotary(x, start=0):
    """The same file, LlamaRotaryEmbedding with base 10000 and apply_rotary_pos_emb."""
    size = x.shape[-1]
    frequency = 1.0 / (10000 ** (torch.arange(0, size, 2, dtype=torch.float64) / size))
    angle = torch.outer(torch.arange(start, start + x.shape[-2], dtype=torch.float64), frequency)
    angle = torch.cat((angle, angle), dim=-1)
    return x * angle.cos() + rotate_half(x) * angle.sin()


def starts(*windows):
    """For each token of windows of documents, given by their lengths, the position of its document's first token."""
    return torch.tensor([sum(w[:i]) for w in windows for i, n in enumerate(w) for _ in range(n)], dtype=torch.int32)


def document_attention(qkv, first, heads=2):
    """Causal attention within the documents of each window: a mask of one triangle for each document."""
    windows, time = 2, qkv.shape[0] // 2
    q, k, v = (x.view(windows, time, heads, -1).transpose(1, 2) for x in qkv.chunk(3, dim=1))
    document = first.view(windows, 1, time)
    mask = (document.transpose(1, 2) == document).unsqueeze(1) & torch.ones(time, time, dtype=torch.bool).tril()
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).reshape(windows * time, -1)


def cases():
    kinks, ties = tensor(KINKS), tensor(TIES)
    yield "abs", torch.abs, kinks
    yield "clamp", lambda x: x.clamp(-1, 0.25), kinks
    yield "leaky_relu", lambda x: F.leaky_relu(x, 0.1), kinks
    yield "silu", F.silu, kinks
    yield "softplus", F.softplus, tensor([-30.0, -3.0, 0.0, 2.0, 19.0])
    yield "maximum", torch.maximum, ties, ties.roll(1, 1)
    yield "minimum", torch.minimum, ties, tensor([1.0, 0.5, 3.0, 0.0])
    yield "where", lambda a, b, c: torch.where(c != 0, a, b), normal(2, 1), tensor([1.0, float("inf"), 3.0]), torch.tensor(
        [[1, 1, 0], [0, 1, 1]], dtype=torch.int32)
    yield "max_axis", lambda x: x.max(dim=1).values, ties
    yield "min_axis", lambda x: x.min(dim=1).values, ties
    yield "cumsum", lambda x: x.cumsum(1), normal(2, 7, 2)
    yield "topk", lambda x: x.topk(3).values, normal(3, 6)
    yield "var", lambda x: x.var(1), normal(3, 5)
    yield "var_all", lambda x: x.var(correction=0), normal(3, 5)
    yield "std", lambda x: x.std(0), normal(4, 3)
    yield "std_constant", lambda x: x.std(1), ties
    yield "logsumexp", lambda x: x.logsumexp(1), normal(3, 5) * 500
    yield "split", lambda x: torch.cat([2 * p for p in x.split(2, 1)[::-1]], 1), normal(2, 5)
    yield "stack", lambda a, b: torch.stack((a, b, a), 1), normal(2, 3), normal(2, 3)
    yield "mse", F.mse_loss, normal(3, 4), normal(3, 4)
    yield "l1", F.l1_loss, ties, ties.flip(1)
    yield "bce", F.binary_cross_entropy_with_logits, tensor([-800.0, -2.0, 0.0, 3.0, 800.0]), torch.rand(5, dtype=torch.float64)
    yield "kl", lambda x, t: F.kl_div(x, t, reduction="batchmean"), normal(3, 4).log_softmax(1), normal(3, 4).softmax(1)
    yield "kl_mean", lambda x, t: F.kl_div(x, t), normal(3, 4).log_softmax(1), normal(3, 4).softmax(1)
    yield "rms_norm", lambda x, g: F.rms_norm(x, (6,), g, 1e-5), normal(2, 3, 6), normal(6)
    yield "conv1d", lambda x, w, b: F.conv1d(x, w, b), normal(2, 3, 7), normal(4, 3, 3), normal(4)
    yield "conv1d_options", lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=2, dilation=2), normal(2, 2, 6), normal(
        3, 2, 3), normal(3)
    yield "conv2d", lambda x, w, b: F.conv2d(x, w, b), normal(2, 2, 5, 6), normal(3, 2, 3, 2), normal(3)
    yield "conv2d_options", lambda x, w: F.conv2d(x, w, stride=2, padding=1, dilation=2), normal(1, 2, 7, 6), normal(2, 2, 3, 3)
    yield "max_pool2d", lambda x: F.max_pool2d(x, 2), torch.randint(0, 3, (2, 2, 4, 5)).double()
    yield "max_pool2d_options", lambda x: F.max_pool2d(x, 3, 2, 1), normal(1, 2, 5, 4)
    yield "max_pool1d", lambda x: F.max_pool1d(x, 2), normal(2, 3, 6)
    yield "avg_pool2d", lambda x: F.avg_pool2d(x, 2), normal(2, 2, 4, 5)
    yield "avg_pool2d_options", lambda x: F.avg_pool2d(x, 3, 2, 1), normal(1, 2, 5, 4)
    yield "avg_pool1d", lambda x: F.avg_pool1d(x, 3, 1, 1), normal(2, 3, 6)
    yield "embedding_bag", lambda t, i: F.embedding_bag(i, t, mode="sum"), normal(5, 3), ids(5, 4, 3)
    yield "embedding_bag_mean", lambda t, i: F.embedding_bag(i, t, mode="mean"), normal(5, 3), ids(5, 4, 3)
    yield "rotary", rotary, normal(2, 3, 5, 8)
    yield "rotary_from", lambda x: rotary(x, 100), normal(4, 6)
    yield "attention", lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), normal(2, 2, 5, 4), normal(
        2, 2, 5, 4), normal(2, 2, 5, 4)
    yield "attention_full", F.scaled_dot_product_attention, normal(2, 5, 4), normal(2, 5, 4), normal(2, 5, 4)
    yield "swiglu", lambda x, w1, w3: F.silu(x @ w1) * (x @ w3), normal(3, 4), normal(4, 5), normal(4, 5)
    signs = tensor([-20.0, -6.0, -2.5, -1.0, -0.0, 0.0, 0.3, 1.9, 2.0, 7.0])
    yield "gelu_exact", F.gelu, signs
    yield "gelu_quick", lambda x: x * torch.sigmoid(1.702 * x), signs
    yield "relu_one_pass", F.relu, kinks
    yield "silu_one_pass", F.silu, signs
    yield "attention_documents", document_attention, normal(2 * 7, 3 * 8), starts([3, 1, 3], [7])


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    out = {}
    for name, f, *inputs in cases():
        inputs = [x.detach().requires_grad_() if x.is_floating_point() else x for x in inputs]
        y = f(*inputs)
        dy = normal(*y.shape)
        y.backward(dy)
        out[f"{name}.out"], out[f"{name}.dout"] = y.detach(), dy
        for i, x in enumerate(inputs):
            out[f"{name}.in{i}"] = x.detach()
            if x.is_floating_point():
                out[f"{name}.grad{i}"] = x.grad
    save_file({name: t.contiguous().clone() for name, t in out.items()}, sys.argv[1], metadata={"torch": torch.__version__})
    print(f"{len(out)} tensors")


if __name__ == "__main__":
    main()
