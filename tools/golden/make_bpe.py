#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Vocabularies that Hugging Face's BpeTrainer learns from hard texts: ties, runs of one character, blank and indented lines, CRLF, Unicode.

Writes NAME.json: the texts, each a document, the special tokens, the size asked for, and what was learned: tokens by id, merges in
order. Also checks, and stops if it is not so, that train([file]) learns what train_from_iterator learns from the lines.

Usage: make_bpe.py OUT_DIR TEXT_FILE…
"""
import json
import os
import sys
import tempfile

import tokenizers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"
CODE = "class A {\r\n\r\n\t  int f(int i) {\r\n\t\treturn i + 1;\r\n\t}\r\n\r\n\r\n}\r\n"
TIES = ["ab cd ef gh", "gh ef cd ab", "abcd efgh", " a b c d", "ba dc fe hg", "abab cdcd", "xyz zyx yxz"]
RUNS = ["a" * n for n in range(1, 40)] + ["aaab" * 5, "b" + "a" * 9, "abababab", "=" * 70, " " * 33 + "x", "\n" * 12, "aa aaa aaaa", "''''s 'll'll"]
UNICODE = ["na\u00efve caf\u00e9 cafe\u0301 \u4f60\u597d\u4f60\u597d \U0001f642\U0001f642\U0001f469\u200d\U0001f680", "\u0085\u00a0\u2003x\u3000y\u200bz\u180e\u001cw",
           "\u0664\u0662 \u00bd\u00bd \u0130stanbul \u00df \ufb01 \u1e9e \u039f\u0394\u039f\u03a3", "don't DON'T we'll x'\u017f I'VE we've they're", "\x00\x01\x7f\x00\x01"]


def train(texts, size, special):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    if callable(texts):
        texts(tokenizer, trainer)
    else:
        tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return [t for t, _ in sorted(model["vocab"].items(), key=lambda e: e[1])], model["merges"]


def check_lines(texts, size, special, learned):
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "text")
        with open(file, "w", newline="") as f:
            f.write("".join(texts))
        assert train(lambda tokenizer, trainer: tokenizer.train([file], trainer), size, special) == learned, "lines"


def main():
    out, files = sys.argv[1], sys.argv[2:]
    os.makedirs(out, exist_ok=True)
    documents = [open(f, newline="").read() for f in files]
    sets = {
        "documents": (documents + [CODE], 700, [END]),
        "lines": (("".join(documents) + CODE).splitlines(keepends=True), 700, [END, "<|user|>", "<|assistant|>"]),
        "ties": (TIES * 2, 400, [END]),
        "runs": (RUNS, 330, [END]),
        "unicode": (UNICODE * 3, 420, [END]),
        "words": (["the the then these hello hello", "other the " + END + END], 290, [END, "the", "hello"]),
        "none": (["say something", ""], 270, []),
    }
    for name, (texts, size, special) in sets.items():
        learned = train(texts, size, special)
        if name == "lines":
            check_lines(texts, size, special, learned)
        tokens, merges = learned
        golden = {"tokenizers": tokenizers.__version__, "texts": texts, "vocab_size": size, "special": special, "tokens": tokens, "merges": merges}
        with open(os.path.join(out, name + ".json"), "w") as f:
            f.write(json.dumps(golden) + "\n")
        print(name, len(tokens), len(merges))


if __name__ == "__main__":
    main()
