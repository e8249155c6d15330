#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Small tokenizers of every kind that we read, trained by Hugging Face's library, and what it makes of hard texts.

Also character vocabularies of nanoGPT and a rank file of tiktoken. Writes NAME.json, a tokenizer.json, and NAME.cases.json: for each text its ids with and without special tokens' texts being tokens,
and the text of the ids.

Usage: make_tokenizers.py OUT_DIR TEXT_FILE…
"""
import base64
import json
import os
import pickle
import sys

import tiktoken
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
TEXTS = [
    "", " ", "A river stone", "Hello, world!  Two  spaces\tand a tab.", "don't DON'T we'll x'\u017f I'VE", "1234567 3.14159 \u00bd \u0664\u0662",
    "line\n\n  indented\r\n\r\nend\n", "na\u00efve caf\u00e9 cafe\u0301 \u2013 \u4f60\u597d \U0001f642\U0001f469\u200d\U0001f680", "\u0085\u00a0\u2003x\u3000y\u200bz\u180e\u001cw",
    "<|endoftext|>", "a<|endoftext|>b <|endoftext|> c", "<|user|>hi<|user|> <|user|>  there", "aMASKb MASK cMASK MASKED", "  lead and trail  ",
    "\u2581already\u2581marked", "\x00\x01\x7f", "if (x[i] >= 0) { return y->z * 2; } // ok", "a" * 300, "ab" * 200 + " " * 70 + "!" * 90,
    "\u0130stanbul \u00df \ufb01 \u1e9e", "tokens of several words and the words of several tokens", "\u039f\u0394\u039f\u03a3 \u0130", "\U0001f642" * 20, "_under_score __init__", "x\u0301\u0302y",
]


def gpt2():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    return t, pre_tokenizers.ByteLevel.alphabet()


def prefix_space():
    t, alphabet = gpt2()
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    return t, alphabet


def llama3():
    t = Tokenizer(models.BPE(ignore_merges=True))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    return t, pre_tokenizers.ByteLevel.alphabet()


def qwen2():
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    return t, pre_tokenizers.ByteLevel.alphabet()


def digits():
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Lowercase()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                               pre_tokenizers.Split(",", "merged_with_previous"),
                                               pre_tokenizers.Split(";", "removed"),
                                               pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    t.decoder = decoders.ByteLevel()
    return t, pre_tokenizers.ByteLevel.alphabet()


BYTES = [f"<0x{b:02X}>" for b in range(256)]


def llama2():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return t, None


def metaspace():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="first", split=True)
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    return t, None


def unknown():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=False))
    t.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
    t.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    return t, None


class Call:
    """Pickles as a call of a function."""
    def __reduce__(self):
        return os.system, ("exit 1",)


def pickles(out):
    """nanoGPT's meta.pkl in every protocol of pickle, and pickles that must not be read."""
    characters = sorted(set("hello w\u00f6rld\n\U0001f642"))
    meta = {"vocab_size": len(characters), "itos": dict(enumerate(characters)), "stoi": {c: i for i, c in enumerate(characters)}}
    for protocol in range(6):
        with open(os.path.join(out, f"meta.{protocol}.pkl"), "wb") as f:
            pickle.dump(meta, f, protocol)
        with open(os.path.join(out, f"evil.{protocol}.pkl"), "wb") as f:
            pickle.dump({"itos": Call()}, f, protocol)


def ranks(out):
    """A rank file of tiktoken with the vocabulary of llama3, and what tiktoken makes of the texts."""
    unicode_to_byte = {c: b for b, c in zip(byte_order(), [chr(c) for c in char_order()])}
    with open(os.path.join(out, "llama3.json")) as f:
        vocab = json.load(f)["model"]["vocab"]
    tokens = [bytes(unicode_to_byte[c] for c in t) for t, _ in sorted(vocab.items(), key=lambda e: e[1]) if not t.startswith("<|")]
    mergeable = {t: i for i, t in enumerate(tokens)}
    with open(os.path.join(out, "ranks.tiktoken"), "w") as f:
        f.writelines(f"{base64.b64encode(t).decode()} {i}\n" for t, i in mergeable.items())
    encoding = tiktoken.Encoding("ranks", pat_str=LLAMA3, mergeable_ranks=mergeable, special_tokens={})
    cases = [{"text": t, "ids": encoding.encode_ordinary(t)} for t in TEXTS]
    write(os.path.join(out, "ranks.cases.json"), "tiktoken", tiktoken.__version__, cases)


def write(file, library, version, cases):
    """One case a line."""
    with open(file, "w") as f:
        f.write(json.dumps({library: version})[:-1] + ', "cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")


def byte_order():
    visible = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return visible + [b for b in range(256) if b not in visible]


def char_order():
    visible = len(byte_order()) - 68
    return byte_order()[:visible] + [256 + i for i in range(68)]


def main():
    out, files = sys.argv[1], sys.argv[2:]
    os.makedirs(out, exist_ok=True)
    for make in (gpt2, prefix_space, llama3, qwen2, digits, llama2, metaspace, unknown):
        tokenizer, alphabet = make()
        special = ["<|endoftext|>"] if alphabet else ["<unk>", "<|endoftext|>"] + (BYTES if make is not unknown else [])
        trainer = trainers.BpeTrainer(vocab_size=600 if alphabet else 700, special_tokens=special, initial_alphabet=alphabet or [],
                                      show_progress=False)
        tokenizer.train(files, trainer)
        if make in (llama2, metaspace):          # bytes are ordinary entries of the vocabulary
            state = json.loads(tokenizer.to_str())
            state["added_tokens"] = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
            tokenizer = Tokenizer.from_str(json.dumps(state))
        tokenizer.add_special_tokens([AddedToken("<|user|>", lstrip=make is llama3, rstrip=make is not gpt2, special=True)])
        tokenizer.add_tokens([AddedToken("MASK", single_word=True, lstrip=make is qwen2, normalized=make not in (gpt2, digits))])
        name = make.__name__
        tokenizer.save(os.path.join(out, name + ".json"), pretty=False)
        cases = []
        for text in TEXTS:
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = True
            plain = tokenizer.encode(text, add_special_tokens=False).ids
            tokenizer.encode_special_tokens = False
            cases.append({"text": text, "ids": ids, "plain": plain, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
        write(os.path.join(out, name + ".cases.json"), "tokenizers", tokenizers.__version__, cases)
        print(name, tokenizer.get_vocab_size(), sum(len(c["ids"]) for c in cases))
    pickles(out)
    ranks(out)


if __name__ == "__main__":
    main()
