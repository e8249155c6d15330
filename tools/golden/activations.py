#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Activations of Hugging Face GPT-2 and their gradients, under the names of io.eslm.gpt2.inspect.ActivationNames.

Reads the model and reference.safetensors that make_golden.py wrote, and writes activations.safetensors beside them: each
activation, NAME.grad of the mean loss over all tokens, and masked/NAME.grad of the mean loss over the selected ones. In float64,
rounded once to float32.

Usage: activations.py GOLDEN_DIR
"""
import os
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch.nn import functional as F
from transformers import GPT2LMHeadModel


def by_head(x, heads):
    return x.unflatten(-1, (heads, -1))


def run(model, x, y, selected):
    """One forward and one backward pass: values and gradients by name."""
    seen = {}

    def see(name, tensor):
        tensor.retain_grad()
        seen[name] = tensor

    def output(name):
        return lambda module, args, out: see(name, out[0] if isinstance(out, tuple) else out)

    def argument(name):
        return lambda module, args: see(name, args[0])

    t = model.transformer
    hooks = [t.wte.register_forward_hook(output("embed")), t.wpe.register_forward_hook(output("pos_embed")),
             t.ln_f.register_forward_hook(output("ln_final"))]
    for i, block in enumerate(t.h):
        b = f"blocks.{i}."
        hooks += [block.ln_1.register_forward_pre_hook(argument(b + "resid_pre")),
                  block.ln_1.register_forward_hook(output(b + "ln1")),
                  block.attn.c_attn.register_forward_hook(output(b + "qkv")),
                  block.attn.c_proj.register_forward_pre_hook(argument(b + "attn.z")),
                  block.attn.c_proj.register_forward_hook(output(b + "attn_out")),
                  block.ln_2.register_forward_pre_hook(argument(b + "resid_mid")),
                  block.ln_2.register_forward_hook(output(b + "ln2")),
                  block.mlp.c_fc.register_forward_hook(output(b + "mlp.pre")),
                  block.mlp.c_proj.register_forward_pre_hook(argument(b + "mlp.post")),
                  block.mlp.c_proj.register_forward_hook(output(b + "mlp_out")),
                  block.register_forward_hook(output(b + "resid_post"))]
    out = model(x, output_attentions=True, output_hidden_states=True)
    for i, pattern in enumerate(out.attentions):
        see(f"blocks.{i}.attn.pattern", pattern)
    see("logits", out.logits)
    loss = F.cross_entropy(out.logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)
    see("loss", loss)
    for hook in hooks:
        hook.remove()
    for i, hidden in enumerate(out.hidden_states):
        name = "ln_final" if i == len(t.h) else f"blocks.{i}.resid_pre"
        assert torch.equal(hidden, seen[name]), name
    (loss if selected is None else loss[selected]).mean().backward()
    values, grads = {}, {}
    for name, tensor in seen.items():
        grad = tensor.grad
        tensor = tensor.detach()
        if name == "pos_embed":       # one row for all windows
            tensor, grad = tensor.expand(x.shape[0], -1, -1), None
        if name.endswith("qkv"):
            for part, (v, g) in zip("qkv", zip(tensor.chunk(3, -1), grad.chunk(3, -1))):
                values[name[:-3] + "attn." + part] = by_head(v, model.config.n_head)
                grads[name[:-3] + "attn." + part + ".grad"] = by_head(g, model.config.n_head)
            continue
        if name.endswith("attn.z"):
            tensor, grad = by_head(tensor, model.config.n_head), by_head(grad, model.config.n_head)
        values[name] = tensor
        if grad is not None:
            grads[name + ".grad"] = grad
    return values, grads


def main():
    torch.set_num_threads(1)
    for name in ("even", "odd"):
        folder = os.path.join(sys.argv[1], name)
        model = GPT2LMHeadModel.from_pretrained(folder, attn_implementation="eager").double().eval()
        reference = load_file(os.path.join(folder, "reference.safetensors"))
        x, y, selected = reference["input_ids"].long(), reference["labels"].long(), reference["selected"].bool()
        values, grads = run(model, x, y, None)
        masked = run(model, x, y, selected)[1]
        out = {**values, **grads, **{"masked/" + n: g for n, g in masked.items()}}
        out = {n: v.to(torch.float32).contiguous().clone() for n, v in out.items()}
        file = os.path.join(folder, "activations.safetensors")
        save_file(out, file, metadata={"torch": torch.__version__, "transformers": transformers.__version__})
        print(f"{file}: {len(out)} tensors, {os.path.getsize(file)} bytes")


if __name__ == "__main__":
    main()
