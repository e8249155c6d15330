#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Loads an exported model folder with Hugging Face's classes, and compares their results with ours.

Usage: check_export.py DIR

DIR is a folder that ExportTest wrote (see README.md). Its file logits.safetensors has our `ids` (B, T) and `logits` (B*T, V).
Exits with 1 if something differs.
"""
import json
import os
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, GPT2LMHeadModel

LARGEST_DIFFERENCE = 1e-5     # relative to the largest logit; both sides compute in float32
TEXTS = ["Hello world", "  two spaces,\ttab\nand newline", "naïve café – 你好 🙂", "x = 3.14159 # don't", ""]


def check_model(folder):
    model, report = GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
        assert not report.get(kind), f"{kind}: {report[kind]}"
    tied = model.lm_head.weight.data_ptr() == model.transformer.wte.weight.data_ptr()
    assert tied == model.config.tie_word_embeddings, f"tie_word_embeddings is {model.config.tie_word_embeddings}"
    ours = load_file(os.path.join(folder, "logits.safetensors"))
    ids = ours["ids"].long()
    with torch.no_grad():
        theirs = model.eval()(ids).logits.reshape(ours["logits"].shape)
    difference = ((theirs - ours["logits"]).abs().max() / theirs.abs().max()).item()
    print(f"model: {sum(p.numel() for p in model.parameters()):,} parameters, logits {tuple(theirs.shape)}, largest relative "
          f"difference {difference:.1e} (limit {LARGEST_DIFFERENCE:.0e})")
    assert difference <= LARGEST_DIFFERENCE
    return model, ids


def check_generation(model, ids):
    out = model.generate(ids[:1, :2], max_new_tokens=3, do_sample=False)
    print(f"generate: {out.tolist()}")


def check_fields(folder, model):
    """Fields that from_pretrained does not need must still equal what save_pretrained writes."""
    again = os.path.join(folder, "again")
    model.save_pretrained(again)
    for name in ("config.json", "generation_config.json"):
        with open(os.path.join(folder, name)) as ours, open(os.path.join(again, name)) as theirs:
            a, b = json.load(ours), json.load(theirs)
        different = {k: (a.get(k, "absent"), b.get(k, "absent")) for k in {**a, **b} if a.get(k, "absent") != b.get(k, "absent")}
        print(f"{name}: {len(a)} fields" + (f", different from Hugging Face's: {different}" if different else ", all as Hugging Face writes them"))
        different.pop("transformers_version", None)
        assert not different


def check_tokenizer(folder):
    if not os.path.exists(os.path.join(folder, "vocab.json")):
        print("tokenizer: the folder has no vocabulary")
        return
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        assert tokenizer.decode(tokenizer(text).input_ids, clean_up_tokenization_spaces=False) == text, text
    assert tokenizer("Hello world").input_ids == [15496, 995]
    print(f"tokenizer: {type(tokenizer).__name__}, {len(tokenizer)} tokens, {len(TEXTS)} texts there and back")


def main():
    folder = sys.argv[1]
    model, ids = check_model(folder)
    check_fields(folder, model)
    check_generation(model, ids)
    check_tokenizer(folder)


if __name__ == "__main__":
    main()
