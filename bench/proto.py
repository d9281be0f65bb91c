#!/usr/bin/python3
"""Measures the cost of encoding, decoding and printing messages; JSON through json-c for comparison."""

import json
import os
import pathlib
import subprocess

BIN = pathlib.Path(os.environ.get("LURKER_BIN", pathlib.Path(__file__).resolve().parent.parent / "build" / "bin"))

rows = {}
for line in subprocess.run([BIN / "proto_bench"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines():
    what, ns = line.rsplit("\t", 1)
    rows[what] = float(ns)
    print(f"{what:<40}{rows[what]:>9.1f} ns{1e9 / rows[what]:>14,.0f} /s")
ours, theirs = rows["JSON, analysis record"], rows["JSON by json-c, analysis record"]
print(f"json-c takes {theirs / ours:.1f} times as long")
for what, ns in rows.items():
    print(json.dumps({"bench": "proto", "what": what, "ns": ns}))
print(json.dumps({"bench": "proto", "what": "JSON, json-c to ours", "ratio": round(theirs / ours, 2)}))
