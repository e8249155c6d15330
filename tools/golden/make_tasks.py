#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small model, a few examples of each task in the published formats, and what lm-eval makes of them.

Usage: make_tasks.py FOLDER

lm-eval evaluates its own definitions of the tasks; only the data comes from FOLDER. Packages that it imports for other tasks
alone are replaced where they are not installed.
"""
import json
import os
import sys
import tempfile
from unittest import mock

os.environ["HF_HUB_OFFLINE"] = "1"
for name in ("evaluate", "sacrebleu", "sqlitedict", "pytablewriter", "rouge_score", "word2number"):
    try:
        __import__(name)
    except ImportError:
        sys.modules[name] = mock.MagicMock()

import lm_eval
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

LONG = "The river ran past the mill, and past the school, and under the old bridge. " * 6

HELLASWAG = [
    ("Baking bread", "A baker kneads dough on a board.", "he THEN", ["puts it into the oven.", "throws it at the cat.",
     "sings to the board.", "counts to ten."], 0),
    ("Fixing a bike", "[header] How to fix a flat tyre [title] Take the wheel off. [step] Turn the bike over.",
     "", ["[step] Loosen the nut.  Lift the wheel.", "Eat the tyre.", "Paint it [substeps] red.", "Go home."], 0),
    ("Gardening", LONG, "élan IS", ["what a gardener needs.", "a kind of spade 🌱.", "not for sale.", "rain"], 2),
    ("Swimming", "  A girl stands at the pool.", "she", ["jumps in.", "jumps out.", "is a pool.", "drinks it."], 0),
    ("Chess", "Two men play.", "one of them", ["moves a pawn.", "moves.", "moves a very long way away from the table.",
     "ße"], 1),
]
LAMBADA = [
    "The cat sat by the door and waited for the cat",
    "He looked at the river, and she looked at the river",
    LONG + "At last they came to the bridge",
    "the  river",
    "word",
    "After the end <|endoftext|> came the mill, \u201cthe old mill\u201d",
]
PIQA = [
    ("keep bread fresh", "Put it in a box.", "Put it in the sun.", 0),
    ("open a jar ", "Hit it with a fish", "Run hot water over the lid.", 1),
    (LONG, "walk", "swim across the river", 1),
    ("dry a cup", "Use a towel.", "Use a towel that is wet 💧", 0),
]
ARC = [
    ("A1", "Which of these is alive?", ["a stone", "a tree", "a cup", "the mill"], ["A", "B", "C", "D"], "B"),
    ("A2", "What falls from clouds?", ["rain", "bread", "cats"], ["1", "2", "3"], "1"),
    ("A3", LONG + "What ran?", ["the river", "a dog", "the school", "the bridge", "time"], list("ABCDE"), "A"),
    ("A4", "Where do fish live?", ["in the water", "in the mill", "in a tree", "in the oven"], list("ABCD"), "D"),
]
WINOGRANDE = [
    ("The cup did not fit into the box because _ was too big.", "the cup", "the box", "1"),
    ("Anna thanked Maria because _ had helped.", "Anna", "Maria ", "2"),
    ("_ ran past the mill.", "The river", "The bridge", "1"),
    (LONG + "It was _ that ran.", "the river", "the school", "2"),
]
SCIQ = [
    ("What do plants need?", "stone", "iron", "noise", "light", "  Plants need light and water. "),
    ("What is ice?", "warm water", "wood", "a cloud", "frozen water", ""),
    ("What ran past the mill?", "the mill", "a cat", "the bridge", "the river", LONG),
    ("What is 2 + 2?", "3", "5", "22", "4", "Counting is old."),
]
BLIMP = [
    ("The cats sit by the door.", "The cats sits by the door."),
    ("What did he look at?", "What did he look at the river?"),
    ("She has helped herself.", "She has helped himself."),
    ("No cat has ever sung.", "A cat has ever sung."),
]
WIKITEXT = [
    " \n = The old mill = \n \n The mill ( built in 1 @,@ 802 ) stands by the river ; it is 3 @.@ 5 m high , and well @-@ known . \n"
    " \n = = History = = \n \n It was \" the old mill \" , the miller 's house , at 20 \u00b0 C . " + LONG + "\n \n",
    " = Bridges = \n \n A bridge joins two banks : [ see map ] . Who built it ? The ' first ' men ! \n",
    " = A long river = \n \n = = = Course = = = \n \n " + LONG * 3 + " N dogs 's \n \n",
]


def rows():
    s = pa.string()
    yield ("hellaswag", [dict(ind=i, activity_label=a, ctx_a=x, ctx_b=y, ctx=x + " " + y, endings=e, source_id="own~" + str(i),
                              split="val", split_type="indomain", label=label if i % 2 else str(label))
                         for i, (a, x, y, e, label) in enumerate(HELLASWAG)], [("label", s)])
    yield "lambada_openai", [dict(text=t) for t in LAMBADA], []
    yield "piqa", [dict(goal=g, sol1=a, sol2=b, label=n) for g, a, b, n in PIQA], [("label", pa.int64())]
    for name, some in (("arc_easy", ARC), ("arc_challenge", ARC[2:])):
        yield (name, [dict(id=i, question=q, choices=dict(text=t, label=lab), answerKey=k) for i, q, t, lab, k in some],
               [("choices", pa.struct([("text", pa.list_(s)), ("label", pa.list_(s))]))])
    yield "winogrande", [dict(sentence=t, option1=a, option2=b, answer=n) for t, a, b, n in WINOGRANDE], []
    yield ("sciq", [dict(question=q, distractor3=c, distractor1=a, distractor2=b, correct_answer=d, support=t)
                    for q, a, b, c, d, t in SCIQ], [])
    yield ("blimp", [dict(sentence_good=a, sentence_bad=b, field="syntax", linguistics_term="own", UID="own",
                          simple_LM_method=True, one_prefix_method=False, two_prefix_method=False, lexically_identical=False,
                          pair_id=i) for i, (a, b) in enumerate(BLIMP)], [("pair_id", pa.int32())])
    yield "wikitext", [dict(page=p) for p in WIKITEXT], []


def texts():
    for _, some, _ in rows():
        for row in some:
            for value in row.values():
                yield from value if isinstance(value, list) else [value] if isinstance(value, str) else []


def model(folder):
    torch.manual_seed(1)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(list(texts()), trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>", bos_token="<|endoftext|>")
    size = tokenizer.get_vocab_size()
    net = GPT2LMHeadModel(GPT2Config(vocab_size=size, n_positions=64, n_embd=16, n_layer=2, n_head=2, bos_token_id=0,
                                     eos_token_id=0, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0))
    ids = [i for t in list(texts()) for i in tokenizer.encode(t).ids + [0]]
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(400):
        starts = torch.randint(len(ids) - 64, (8,))
        batch = torch.tensor([ids[i:i + 64] for i in starts])
        loss = net(batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("loss", loss.item(), "vocabulary", size)
    net.eval().save_pretrained(folder)
    wrapped.save_pretrained(folder)
    for name in os.listdir(folder):
        if name not in ("config.json", "model.safetensors", "tokenizer.json"):
            os.remove(os.path.join(folder, name))
    return HFLM(pretrained=net, tokenizer=wrapped, batch_size=3, device="cpu", dtype="float32")


OFFICIAL = {"lambada_openai": "lambada/lambada_openai", "arc_easy": "arc/arc_easy", "arc_challenge": "arc/arc_challenge",
            "winogrande": "winogrande/default", "blimp": "blimp/adjunct_island"}


def write(folder, name, some, types):
    path = os.path.join(folder, name + ".jsonl")
    with open(path, "w", encoding="utf-8") as out:
        for row in some:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    whole = [{k: str(v) if k == "label" and name == "hellaswag" else v for k, v in row.items()} for row in some]
    table = pa.Table.from_pylist(whole)
    for column, kind in types:
        table = table.set_column(table.schema.get_field_index(column), column, table.column(column).cast(kind))
    pq.write_table(table, os.path.join(folder, name + ".parquet"), compression="snappy", row_group_size=3)
    return path, whole


def main(folder):
    os.makedirs(os.path.join(folder, "model"), exist_ok=True)
    lm = model(os.path.join(folder, "model"))
    home = os.path.join(os.path.dirname(lm_eval.__file__), "tasks")
    golden = {"lm_eval": lm_eval.__version__}
    with tempfile.TemporaryDirectory() as temp:
        for name, some, types in rows():
            _, whole = write(folder, name, some, types)
            data = os.path.join(temp, name + ".jsonl")
            with open(data, "w", encoding="utf-8") as out:
                out.writelines(json.dumps(row) + "\n" for row in whole)
            official = os.path.join(home, OFFICIAL.get(name, name + "/" + name) + ".yaml")
            with open(os.path.join(temp, name + ".yaml"), "w") as out:
                out.write(f"include: {official}\ntask: own_{name}\ndataset_path: json\ndataset_name: null\n"
                          f"dataset_kwargs:\n  data_files:\n    test: {data}\n"
                          "training_split: null\nvalidation_split: null\nfewshot_split: null\ntest_split: test\ntag: null\n")
        manager = TaskManager(include_path=temp, include_defaults=False)
        for name, _, _ in rows():
            got = lm_eval.simple_evaluate(model=lm, tasks=["own_" + name], num_fewshot=0, task_manager=manager,
                                          log_samples=True, bootstrap_iters=100)
            figures = {k.removesuffix(",none"): v for k, v in got["results"]["own_" + name].items()
                       if isinstance(v, float) and k != "perplexity_stderr,none"}
            samples = []
            for sample in sorted(got["samples"]["own_" + name], key=lambda s: s["doc_id"]):
                answers = sample["filtered_resps"]
                pairs = [a if isinstance(a, (list, tuple)) else (a, False) for a in answers]
                samples.append({"log_likelihoods": [float(p[0]) for p in pairs], "greedy": [bool(p[1]) for p in pairs]}
                               | {k: sample[k] for k in ("acc", "acc_norm") if k in sample})
            golden[name] = {"figures": figures, "samples": samples}
    with open(os.path.join(folder, "golden.json"), "w") as out:
        json.dump(golden, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
