#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference values from PEFT for low-rank adapters: a small base model, adapters as PEFT saves them, and the logits, losses, gradients
and merged weights, computed in float64 from the float32 weights. Needs peft.

Usage: adapters.py GOLDEN_DIR/adapters
"""
import json
import os
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

from make_golden import enlarge, save, token_loss

KINDS = {
    "all": dict(r=3, lora_alpha=5, target_modules=["c_attn", "c_proj", "c_fc"]),
    "some": dict(r=2, lora_alpha=4, target_modules=["attn.c_attn", "mlp.c_proj"], use_rslora=True),
    "pattern": dict(r=2, lora_alpha=1, target_modules=r".*\.h\.1\.(attn\.c_proj|mlp\.c_fc)"),
}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(11)
    base = os.path.join(sys.argv[1], "base")
    model = GPT2LMHeadModel(GPT2Config(vocab_size=19, n_positions=9, n_embd=8, n_layer=3, n_head=2, attn_pdrop=0.0,
                                       resid_pdrop=0.0, embd_pdrop=0.0, bos_token_id=0, eos_token_id=0))
    enlarge(model)
    model.save_pretrained(base)
    for i, (name, config) in enumerate(KINDS.items()):
        folder = os.path.join(sys.argv[1], name)
        torch.manual_seed(20 + i)
        adapted = get_peft_model(GPT2LMHeadModel.from_pretrained(base), LoraConfig(
            task_type="CAUSAL_LM", fan_in_fan_out=True, lora_dropout=0.0, **config))
        for parameter, p in adapted.named_parameters():
            if "lora_B" in parameter:
                torch.nn.init.normal_(p, std=0.3)
        adapted.save_pretrained(folder)
        os.remove(os.path.join(folder, "README.md"))
        path = os.path.join(folder, "adapter_config.json")
        fields = json.load(open(path))
        json.dump({**fields, "base_model_name_or_path": "../base"}, open(path, "w"), indent=2)
        adapted.double()
        tokens = torch.randint(0, 19, (2, 8))
        x, y = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()
        logits, loss = token_loss(adapted, x, y)
        loss.mean().backward()
        out = {"input_ids": x, "labels": y, "logits": logits, "token_loss": loss}
        for parameter, p in adapted.named_parameters():
            if p.grad is not None:
                out["grad." + parameter.replace(".default", "")] = p.grad
        for parameter, p in adapted.merge_and_unload().state_dict().items():
            if parameter.endswith("weight") and ("attn" in parameter or "mlp" in parameter):
                out["merged." + parameter] = p
        save(folder, {k: v.detach() if v.is_floating_point() else v for k, v in out.items()}, seed=20 + i)
        print(f"{folder}: {len(out)} tensors, mean loss {loss.mean():.6f}")


if __name__ == "__main__":
    main()
