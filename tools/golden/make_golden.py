#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference values from Hugging Face GPT-2 for the tests in gpt2/src/test/resources/golden.

Everything is computed in float64 from float32 weights, and rounded once to float32 when stored. So the files hold the exact
answer, and the tolerance of a test covers only its own rounding error. README.md has the versions and the command.

Usage: make_golden.py GOLDEN_DIR
"""
import math
import os
import sys

import torch
import transformers
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

BETAS = (0.9, 0.95)
DECAY = 0.1


def new_model(layers, heads, width, vocab, positions):
    config = GPT2Config(vocab_size=vocab, n_positions=positions, n_embd=width, n_layer=layers, n_head=heads, attn_pdrop=0.0,
                        resid_pdrop=0.0, embd_pdrop=0.0, bos_token_id=0, eos_token_id=0)
    return GPT2LMHeadModel(config)


def enlarge(model):
    """Sets weights far from the usual initialisation: no bias is 0, no norm is 1, attention is not flat. Nothing hides errors."""
    for name, p in model.named_parameters():
        norm_scale = name.endswith(("ln_1.weight", "ln_2.weight", "ln_f.weight"))
        torch.nn.init.normal_(p, 1.0 if norm_scale else 0.0, 0.2)


def token_loss(model, x, y):
    logits = model(x).logits
    return logits, F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)


def at_or_above_value_at_risk(risk, alpha):
    """S >= VaR with VaR = inf { t : (1/M) sum 1[S <= t] >= alpha }: the ceil(alpha M)-th smallest."""
    order = torch.sort(risk.flatten()).values
    return risk >= order[max(0, math.ceil(alpha * len(order)) - 1)]


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}


def adamw(model, rate):
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    return torch.optim.AdamW([dict(params=matrices, weight_decay=DECAY), dict(params=vectors, weight_decay=0.0)], lr=rate,
                             betas=BETAS, eps=1e-8)


def save(folder, tensors, **settings):
    out = {name: (t.detach().to(torch.float32 if t.is_floating_point() else torch.int32)).contiguous().clone()
           for name, t in tensors.items()}
    settings = {name: str(value) for name, value in settings.items()}
    save_file(out, os.path.join(folder, "reference.safetensors"),
              metadata={"torch": torch.__version__, "transformers": transformers.__version__, **settings})


def whole_model(folder, layers, heads, width, vocab, positions, batch, seq, seed, steps=3, alpha=0.5, rate=1e-3):
    torch.manual_seed(seed)
    model = new_model(layers, heads, width, vocab, positions)
    enlarge(model)
    model.save_pretrained(folder)
    model.double()
    tokens = torch.randint(0, vocab, (batch, seq + 1))
    x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
    out = {"input_ids": x, "labels": y}

    def keep(name):
        return lambda module, args: out.__setitem__(name, args[0].detach().clone())

    places = [*model.transformer.h, model.transformer.ln_f]
    hooks = [place.register_forward_pre_hook(keep(f"hidden.{i}")) for i, place in enumerate(places)]
    logits, loss = token_loss(model, x, y)
    for hook in hooks:
        hook.remove()
    log_p = logits.log_softmax(-1)
    out.update(logits=logits, token_loss=loss, token_entropy=-(log_p.exp() * log_p).sum(-1))
    out.update({"grad." + n: g for n, g in gradients(model, loss.mean()).items()})
    selected = at_or_above_value_at_risk(loss.detach(), alpha)
    out["selected"] = selected.to(torch.int32)
    _, loss = token_loss(model, x, y)
    out.update({"masked_grad." + n: g for n, g in gradients(model, loss[selected].mean()).items()})
    optimizer, losses = adamw(model, rate), []
    for step in range(steps):
        optimizer.zero_grad()
        loss = token_loss(model, x, y)[1].mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        out.update({f"adamw.{step}.{n}": p.detach().clone() for n, p in model.named_parameters()})
    out["adamw_loss"] = torch.tensor(losses)
    save(folder, out, alpha=alpha, rate=rate, seed=seed)
    print(f"{folder}: {len(out)} tensors, mean loss {out['token_loss'].mean():.6f}, kept {int(selected.sum())} of "
          f"{selected.numel()}")


def structured_tokens(steps, batch, seq, vocab):
    """Text that a model can learn: two times in three, the last token determines the next; else the next is a common one."""
    common = torch.multinomial(1.0 / torch.arange(1, vocab + 1), steps * batch * (seq + 1), replacement=True)
    common = common.view(steps, batch, seq + 1)
    regular = torch.rand(steps, batch, seq + 1) < 2 / 3
    tokens = common.clone()
    for t in range(1, seq + 1):
        tokens[:, :, t] = torch.where(regular[:, :, t], (5 * tokens[:, :, t - 1] + 3) % vocab, common[:, :, t])
    return tokens


def training_curve(folder, layers=2, heads=2, width=32, vocab=64, positions=16, batch=8, steps=50, seed=5, alpha=0.3,
                   rate=1e-2, clip=1.0):
    torch.manual_seed(seed)
    new_model(layers, heads, width, vocab, positions).save_pretrained(folder)
    tokens = structured_tokens(steps, batch, positions, vocab)
    out = {"tokens": tokens}
    for method in ("clm", "cvar-loss"):
        model = GPT2LMHeadModel.from_pretrained(folder).double().train()
        optimizer, losses, kept_losses, norms = adamw(model, rate), [], [], []
        for batch_tokens in tokens:
            loss = token_loss(model, batch_tokens[:, :-1], batch_tokens[:, 1:])[1]
            keep = at_or_above_value_at_risk(loss.detach(), alpha if method == "cvar-loss" else 0.0)
            optimizer.zero_grad()
            loss[keep].mean().backward()
            norms.append(torch.nn.utils.clip_grad_norm_(model.parameters(), clip).item())
            optimizer.step()
            losses.append(loss.mean().item())
            kept_losses.append(loss[keep].mean().item())
        out.update({f"{method}.loss": torch.tensor(losses), f"{method}.kept_loss": torch.tensor(kept_losses),
                    f"{method}.grad_norm": torch.tensor(norms)})
        print(f"{folder}: {method}: loss {losses[0]:.4f} -> {losses[-1]:.4f}, gradient norm {min(norms):.2f} to "
              f"{max(norms):.2f}, clipped at {clip}")
    save(folder, out, alpha=alpha, rate=rate, clip=clip, seed=seed)


def main():
    torch.set_num_threads(1)
    golden = sys.argv[1]
    whole_model(os.path.join(golden, "even"), layers=2, heads=2, width=32, vocab=97, positions=16, batch=2, seq=12, seed=1)
    whole_model(os.path.join(golden, "odd"), layers=3, heads=3, width=21, vocab=61, positions=24, batch=3, seq=7, seed=2)
    training_curve(os.path.join(golden, "curve"))


if __name__ == "__main__":
    main()
