#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What lm-eval asks a server of completions, and what the same model gives in Hugging Face's classes.

Usage: make_serve.py MODEL FILE          writes the requests and the expected values
       make_serve.py MODEL --check URL   runs lm-eval's local-completions against a server that is up
"""
import json
import os
import sys
from unittest import mock

os.environ["HF_HUB_OFFLINE"] = "1"
for name in ("evaluate", "sacrebleu", "sqlitedict", "pytablewriter", "rouge_score", "word2number", "jsonlines"):
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = mock.MagicMock()

import lm_eval
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from lm_eval.models.openai_completions import LocalCompletionsAPI

CONTEXT = 64
PAIRS = [
    ("The river ran", " past the mill, and past the school."),
    ("The river ran", " past"),
    ("The river ran past the mill, and past the school, and under the old bridge. The river ran past the mill", ", and"),
    ("What do plants need?\nAnswer:", " light and water"),
    ("What do plants need?\nAnswer:", " stone"),
    ("", "The cats sit by the door."),
    ("élan", " 🌱 ße"),
    ("A bridge joins two banks <|endoftext|>", " The old mill"),
    ("Two men play.  one of them", " moves a pawn."),
    ("Men", "."),
]
GENERATIONS = [
    ("The river ran", {"until": ["."], "max_gen_toks": 30, "do_sample": False}),
    ("At last", {"until": ["bridge", "\n\n"], "max_gen_toks": 12, "do_sample": False}),
    ("A girl stands at the pool", {"until": ["zzz"], "max_gen_toks": 8, "do_sample": False}),
]


def instances(kind, arguments):
    return [Instance(request_type=kind, doc={}, arguments=a, idx=i) for i, a in enumerate(arguments)]


class Recorder(LocalCompletionsAPI):
    """Keeps what would be sent, and answers with zeros."""

    def model_call(self, messages, *, generate=True, gen_kwargs=None, **kwargs):
        body = self._create_payload(self.create_message(messages), generate=generate, gen_kwargs=gen_kwargs, seed=self._seed,
                                    eos=self.eos_string)
        self.sent.append(body)
        n = len(body["prompt"]) if isinstance(body["prompt"], list) and not isinstance(body["prompt"][0], int) else 1
        zeros = {"token_logprobs": [0.0] * 2 * CONTEXT, "top_logprobs": [{"": 0.0}] * 2 * CONTEXT}
        return {"choices": [{"index": i, "text": "", "logprobs": zeros} for i in range(n)]}

    def batch_loglikelihood_requests(self, chunks):
        got = super().batch_loglikelihood_requests(chunks)
        self.context_lengths.append(got[1])
        self.keys.append(got[2])
        return got


def client(kind, model, url, tokenized, batch):
    made = kind(base_url=url + "/v1/completions", tokenizer_backend="huggingface", model="model", tokenizer=model, max_length=CONTEXT,
                tokenized_requests=tokenized, batch_size=batch)
    made.sent, made.context_lengths, made.keys = [], [], []
    return made


def main(model, target, url=None):
    hf = HFLM(pretrained=model, tokenizer=model, device="cpu", dtype="float32", max_length=CONTEXT)
    expected = dict(zip(PAIRS, hf.loglikelihood(instances("loglikelihood", PAIRS))))
    texts = hf.generate_until(instances("generate_until", GENERATIONS))
    if url:
        for tokenized in (True, False):
            for batch in (1, 3):
                lm = client(LocalCompletionsAPI, model, url, tokenized, batch)
                got = lm.loglikelihood(instances("loglikelihood", PAIRS))
                worst = max(abs(g[0] - expected[p][0]) for g, p in zip(got, PAIRS))
                greedy = all(bool(g[1]) == bool(expected[p][1]) for g, p in zip(got, PAIRS))
                same = lm.generate_until(instances("generate_until", GENERATIONS)) == texts
                print(f"token ids {tokenized}, batch {batch}: largest difference {worst:.2e}, greedy equal {greedy}, texts equal {same}")
                assert worst < 1e-4 and greedy and same
        return
    cases, generations = [], []
    for tokenized in (True, False):
        for batch in (1, 3):
            lm = client(Recorder, model, "http://127.0.0.1:1", tokenized, batch)
            lm.loglikelihood(instances("loglikelihood", PAIRS))
            for body, lengths, keys in zip(lm.sent, lm.context_lengths, lm.keys):
                cases.append({"body": body, "context_lengths": lengths, "log_likelihoods": [expected[k][0] for k in keys],
                              "greedy": [bool(expected[k][1]) for k in keys]})
        lm = client(Recorder, model, "http://127.0.0.1:1", tokenized, 1)
        lm.generate_until(instances("generate_until", GENERATIONS))
        order = sorted(range(len(GENERATIONS)), key=lambda i: -len(GENERATIONS[i][0]))
        for body in lm.sent:
            prompt = body["prompt"][0] if isinstance(body["prompt"][0], (list, str)) and not isinstance(body["prompt"], str) else body["prompt"]
            text = lm.tokenizer.decode(prompt) if not isinstance(prompt, str) else prompt
            at = [g[0] for g in GENERATIONS].index(text)
            generations.append({"body": body, "text": texts[at]})
    with open(target, "w", encoding="utf-8") as out:
        json.dump({"lm_eval": lm_eval.__version__, "cases": cases, "generations": generations}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
