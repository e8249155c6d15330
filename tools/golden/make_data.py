# SPDX-License-Identifier: Apache-2.0
"""Writes small files of documents in the formats that others write: python make_data.py DIR"""
import gzip
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
texts = ["The river is wide.", "Two\nlines, \"quoted\", and a comma", "", "naïve 日本 😀", None, "nul \0 inside", "The river is wide."]
langs = ["en", "en", "en", "fr", "fr", "xx", "en"]
table = pa.table({
    "id": pa.array(range(len(texts)), pa.int64()),
    "text": pa.array(texts, pa.string()),
    "lang": pa.array(langs, pa.string()),
    "nested": pa.array([{"text": t} for t in texts], pa.struct([("text", pa.string())])),
    "list": pa.array([[t] for t in texts], pa.list_(pa.string())),
    "raw": pa.array([None if t is None else t.encode("utf-16") for t in texts], pa.binary()),
})
for codec in ["none", "snappy", "zstd", "gzip"]:
    pq.write_table(table, out / f"{codec}.parquet", compression=codec, use_dictionary=codec in ("snappy", "none"),
                   row_group_size=3, write_statistics=codec != "gzip", data_page_version="2.0" if codec == "zstd" else "1.0")
large = pa.table({"text": pa.array(texts, pa.large_string())})
pq.write_table(large, out / "large.parquet", compression="snappy")
lines = "".join(json.dumps({"text": t, "lang": l}) + "\n" for t, l in zip(texts, langs) if t is not None).encode()
(out / "lines.jsonl.gz").write_bytes(gzip.compress(lines[:100], mtime=0) + gzip.compress(lines[100:], mtime=0))
(out / "lines.jsonl.zst").write_bytes(zstandard.compress(lines[:100]) + zstandard.compress(lines[100:]))
