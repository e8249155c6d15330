#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small models in the files of other programs, and the losses that PyTorch computes from them in float64.

Usage: make_models.py GOLDEN_DIR FUZZ_DIR TEXT...

GOLDEN_DIR/models gets the models; FUZZ_DIR/{torch,gguf,llmc}/valid get smaller ones.
"""
import hashlib
import io
import os
import struct
import sys

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F

LINEAR = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
BLOCK = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
GGUF_BLOCK = {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
              "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}


class Shape:
    def __init__(self, layers, heads, width, vocab, positions):
        self.layers, self.heads, self.width, self.vocab, self.positions = layers, heads, width, vocab, positions


def weights(shape, bias=True):
    """Random weights by Hugging Face's names without prefix; matrices are (in, out)."""
    c = shape.width
    out = {"wte.weight": (shape.vocab, c), "wpe.weight": (shape.positions, c)}
    for i in range(shape.layers):
        for name, dims in (("ln_1", (c,)), ("attn.c_attn", (c, 3 * c)), ("attn.c_proj", (c, c)), ("ln_2", (c,)),
                           ("mlp.c_fc", (c, 4 * c)), ("mlp.c_proj", (4 * c, c))):
            out[f"h.{i}.{name}.weight"] = dims
            if bias:
                out[f"h.{i}.{name}.bias"] = dims[-1:]
    out["ln_f.weight"] = (c,)
    if bias:
        out["ln_f.bias"] = (c,)
    return {n: torch.randn(*d) * 0.2 + (1.0 if ".ln_" in "." + n and n.endswith("weight") else 0.0) for n, d in out.items()}


def losses(shape, w, ids, approximate):
    """Loss of each token after the first, in float64."""
    w = {n: t.double() for n, t in w.items()}
    c, heads = shape.width, shape.heads

    def norm(x, name):
        return F.layer_norm(x, (c,), w[name + ".weight"], w.get(name + ".bias"), 1e-5)

    def linear(x, name):
        y = x @ w[name + ".weight"]
        return y + w[name + ".bias"] if name + ".bias" in w else y

    t = len(ids) - 1
    x = w["wte.weight"][ids[:-1]] + w["wpe.weight"][:t]
    for i in range(shape.layers):
        q, k, v = (p.view(t, heads, c // heads).transpose(0, 1)
                   for p in linear(norm(x, f"h.{i}.ln_1"), f"h.{i}.attn.c_attn").split(c, 1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(0, 1).reshape(t, c)
        x = x + linear(y, f"h.{i}.attn.c_proj")
        x = x + linear(F.gelu(linear(norm(x, f"h.{i}.ln_2"), f"h.{i}.mlp.c_fc"), approximate=approximate),
                       f"h.{i}.mlp.c_proj")
    return F.cross_entropy(norm(x, "ln_f") @ w["wte.weight"].T, ids[1:], reduction="none")


def is_linear(name):
    return any(f".{part}.weight" in name for part in LINEAR)


def hf_state(w, positions):
    """A state dictionary with everything that torch.save can do: views, offsets, shared memory, several types, masks."""
    vectors = [n for n in w if w[n].dim() == 1]
    flat, at, state = torch.cat([w[n] for n in vectors]), 0, {}
    for name, value in w.items():
        if value.dim() == 1:
            state["transformer." + name] = flat[at:at + len(value)]
            at += len(value)
        elif "c_attn" in name:
            state["transformer." + name] = value.T.contiguous().T
        else:
            state["transformer." + name] = value
    state["transformer.wpe.weight"] = state["transformer.wpe.weight"].bfloat16()
    state["transformer.h.0.mlp.c_fc.bias"] = state["transformer.h.0.mlp.c_fc.bias"].half()
    state["transformer.ln_f.weight"] = torch.nn.Parameter(state["transformer.ln_f.weight"].double())
    state["lm_head.weight"] = state["transformer.wte.weight"]
    state["transformer.h.0.attn.bias"] = torch.ones(1, 1, positions, positions, dtype=torch.uint8).tril()
    state["transformer.h.0.attn.masked_bias"] = torch.tensor(-1e4)
    return state


def nano_state(w, prefix):
    state = {f"{prefix}transformer.{n}": t.T.contiguous() if is_linear(n) else t for n, t in w.items()}
    state[prefix + "lm_head.weight"] = state[prefix + "transformer.wte.weight"]
    return state


def nano_checkpoint(shape, w):
    moments = {i: {"step": torch.tensor(3.0), "exp_avg": torch.zeros(2), "exp_avg_sq": torch.zeros(2)} for i in range(2)}
    return {"model": nano_state(w, "_orig_mod."), "optimizer": {"state": moments, "param_groups": [{"lr": 6e-4, "betas": (0.9, 0.95),
            "fused": None, "params": [0, 1]}]}, "model_args": dict(n_layer=shape.layers, n_head=shape.heads, n_embd=shape.width,
            block_size=shape.positions, bias=False, vocab_size=shape.vocab, dropout=0.0), "iter_num": 3,
            "best_val_loss": torch.tensor(4.5), "config": {"dataset": "openwebtext", "compile": True, "learning_rate": 6e-4}}


def llmc(shape, w, version):
    padded = -(-shape.vocab // 128) * 128
    out = io.BytesIO()
    header = [20240326, version, shape.positions, shape.vocab, shape.layers, shape.heads, shape.width, padded]
    out.write(struct.pack("<256i", *header, *[0] * (256 - len(header))))

    def put(t):
        bits = t.contiguous().numpy().view("<u4") if version == 3 else t.bfloat16().contiguous().view(torch.int16).numpy()
        out.write(bits.astype(bits.dtype.newbyteorder("<")).tobytes())

    put(F.pad(w["wte.weight"], (0, 0, 0, padded - shape.vocab)))
    put(w["wpe.weight"])
    for name in BLOCK:
        for kind in ("weight", "bias"):
            for i in range(shape.layers):
                t = w[f"h.{i}.{name}.{kind}"]
                put(t.T if t.dim() == 2 else t)
    put(w["ln_f.weight"])
    put(w["ln_f.bias"])
    return out.getvalue()


def gguf_name(name):
    outside = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm"}
    parts = name.split(".")
    if parts[0] != "h":
        return outside[parts[0]] + "." + parts[1]
    return f"blk.{parts[1]}.{GGUF_BLOCK['.'.join(parts[2:-1])]}.{parts[-1]}"


def write_gguf(path, shape, w, kind, tokenizer):
    out = gguf.GGUFWriter(path, "gpt2")
    out.add_name("golden")
    out.add_block_count(shape.layers)
    out.add_context_length(shape.positions)
    out.add_embedding_length(shape.width)
    out.add_feed_forward_length(4 * shape.width)
    out.add_head_count(shape.heads)
    out.add_layer_norm_eps(1e-5)
    if tokenizer:
        vocab = sorted(tokenizer.get_vocab().items(), key=lambda e: e[1])
        import json
        out.add_tokenizer_model("gpt2")
        out.add_tokenizer_pre("gpt-2")
        out.add_token_list([t for t, _ in vocab])
        out.add_token_types([3 if t == "<|endoftext|>" else 1 for t, _ in vocab])
        out.add_token_merges([" ".join(m) for m in json.loads(tokenizer.to_str())["model"]["merges"]])
        out.add_eos_token_id(0)
    used = {}
    for name, t in w.items():
        t = (t.T if t.dim() == 2 and is_linear(name) else t).contiguous().numpy()
        quant = kind if t.ndim == 2 and not name.startswith("wpe") else gguf.GGMLQuantizationType.F32
        data = gguf.quants.quantize(t, quant)
        out.add_tensor(gguf_name(name), data, raw_dtype=quant)
        back = torch.from_numpy(np.ascontiguousarray(gguf.quants.dequantize(data, quant)))
        used[name] = back.T.contiguous() if t.ndim == 2 and is_linear(name) else back
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return used


def write_quants(path, rng):
    """One tensor of every type that is read; scales are halves of moderate size, everything else is any bits."""
    scales = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2],
              "Q6_K": [208], "F16": [], "BF16": []}
    out, expected = gguf.GGUFWriter(path, "none"), {}
    for name, at in scales.items():
        kind = gguf.GGMLQuantizationType[name]
        block, size = gguf.GGML_QUANT_SIZES[kind]
        raw = rng.integers(0, 256, (2, 512 // block, size), dtype=np.uint8)
        if not at:
            values = rng.standard_normal((2, 512)).astype(np.float32)
            raw = gguf.quants.quantize(values, kind)
        for offset in at:
            raw[..., offset:offset + 2] = rng.standard_normal((2, 512 // block, 1)).astype("<f2").view(np.uint8)
        raw = raw.reshape(2, -1) if raw.dtype == np.uint8 else raw
        out.add_tensor(name, raw, raw_dtype=kind)
        expected[name] = torch.from_numpy(np.ascontiguousarray(gguf.quants.dequantize(raw, kind)))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return expected


def train_tokenizer(texts, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=["<|endoftext|>"], show_progress=False,
                                               initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return tokenizer


def bare(state):
    return {n.removeprefix("transformer."): t.detach() for n, t in state.items()
            if n != "lm_head.weight" and ".attn.bias" not in n and "masked_bias" not in n}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(7)
    folder, fuzz, texts = os.path.join(sys.argv[1], "models"), sys.argv[2], sys.argv[3:]
    for name in ("hf", "nano"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    shape = Shape(2, 2, 32, 280, 16)
    tokenizer = train_tokenizer(texts, shape.vocab)
    ids = torch.randint(0, shape.vocab, (shape.positions + 1,))
    w = weights(shape)
    out = {"ids": ids.int()}

    hf = os.path.join(folder, "hf")
    state = hf_state(w, shape.positions)
    torch.save(state, os.path.join(hf, "pytorch_model.bin"))
    transformers.GPT2Config(vocab_size=shape.vocab, n_positions=shape.positions, n_embd=shape.width, n_layer=shape.layers,
                            n_head=shape.heads, bos_token_id=0, eos_token_id=0).save_pretrained(hf)
    tokenizer.save(os.path.join(hf, "tokenizer.json"))
    out["hf"] = losses(shape, bare(state), ids, "tanh")

    plain = {n: t.float() for n, t in bare(state).items()}  # what F32 keeps of it
    nano = weights(shape, bias=False)
    torch.save(nano_checkpoint(shape, nano), os.path.join(folder, "nano", "ckpt.pt"))
    out["nano"] = losses(shape, nano, ids, "none")

    with open(os.path.join(folder, "bf16.bin"), "wb") as f:
        f.write(llmc(shape, plain, 5))
    out["bf16.bin"] = losses(shape, {n: t.bfloat16() for n, t in plain.items()}, ids, "tanh")
    hashes = {"f32.bin": hashlib.sha256(llmc(shape, plain, 3)).hexdigest()}
    for kind in ("F16", "Q8_0"):
        name = kind.lower() + ".gguf"
        out[name] = losses(shape, write_gguf(os.path.join(folder, name), shape, plain, gguf.GGMLQuantizationType[kind], tokenizer),
                           ids, "tanh")
    save_file(write_quants(os.path.join(folder, "quants.gguf"), np.random.default_rng(3)),
              os.path.join(folder, "quants.safetensors"))
    save_file(out, os.path.join(folder, "expected.safetensors"),
              metadata={"torch": torch.__version__, "gguf": "0.19.0", **hashes})

    tiny = Shape(1, 1, 2, 5, 3)
    w = weights(tiny)
    for name in ("torch", "gguf", "llmc"):
        os.makedirs(os.path.join(fuzz, name), exist_ok=True)
    torch.save(nano_checkpoint(tiny, weights(tiny, bias=False)), os.path.join(fuzz, "torch", "valid"))
    write_gguf(os.path.join(fuzz, "gguf", "valid"), tiny, w, gguf.GGMLQuantizationType.F32, None)
    with open(os.path.join(fuzz, "llmc", "valid"), "wb") as f:
        f.write(llmc(tiny, w, 5))
    for name in sorted(n for n in out if n != "ids"):
        print(f"{name}: mean loss {out[name].mean():.6f}")


if __name__ == "__main__":
    main()
