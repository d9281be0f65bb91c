#!/usr/bin/python3
"""Compares reassembly with results on which several tools agree: every listed flow of the corpora, and the
evasion cases.

For each flow it compares addresses, ports, times of the first and last packet (to the microsecond), packets
of both directions, and length and SHA-256 of the initiator's payload. No capture gets special treatment.
"""

import base64
import collections
import hashlib
import json
import pathlib
import re
import subprocess
import sys
from decimal import Decimal

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

CORPORA = rig.ROOT.parent / "shared" / "corpora"
FLOWS = CORPORA / "flows.jsonl"
EVASION = CORPORA / "evasion"

t = rig.Report("corpora")
rig.require(t, programs=["lurker-analyzer"], root=False)
if not FLOWS.exists() or not (EVASION / "expected.jsonl").exists():
    t.skip("no corpora beside the tree")
    sys.exit(0)


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def read(*argv):
    """Returns the records of one run, and its output."""
    done = subprocess.run([rig.program("lurker-analyzer"), "--destination", "", "--sensor", "test", *map(str, argv)],
                          cwd=CORPORA, stdin=subprocess.DEVNULL, capture_output=True, timeout=200,
                          env=rig.environment())
    return [json.loads(x, parse_float=Decimal) for x in done.stdout.splitlines()], done


def microseconds(seconds):
    return int(Decimal(seconds) * 1000000)


def facts(f, payload_len):
    return (microseconds(f["init_ts"]), microseconds(f["last_ts"]), f["packets"], f[payload_len], f["payload_sha256"])


def ends(f):
    return f["proto"], f["src_addr"], f["src_port"], f["dst_addr"], f["dst_port"]


def missing(expected, records):
    """The expected flows that match no record of the same capture; each record matches one flow."""
    have = collections.Counter((r["s3path"], ends(r), facts(r, "payload_len")) for r in records if "tunnel" not in r)
    out = []
    for e in expected:
        key = (e["capture"], ends(e), facts(e, "payload_bytes"))
        if have[key]:
            have[key] -= 1
        else:
            out.append(e)
    return out


def evasion_payloads(case):
    """The payloads that the flows of a case must have, in order; None if its note only describes them."""
    if case["client_payload_hex"] is None:
        return [x.encode() for x in re.findall(r'"([^"]+)"', case["note"])]
    payload = bytes.fromhex(case["client_payload_hex"])
    return [b"", payload] if case["note"].startswith("two flows") else [payload]


with t:
    expected = lines(FLOWS)
    captures = sorted({e["capture"] for e in expected})
    records, done = read(*captures)
    t.check(f"{len(captures)} captures are read", done.returncode == 0, done.stderr.decode(errors="replace"))
    lacking = missing(expected, records)
    t.check(f"{len(expected) - len(lacking)} of {len(expected)} flows are as the tools agree", expected and not lacking,
            "\n".join(map(json.dumps, lacking)))

    again, _ = read("--jobs", "2", "captures")
    alone, _ = read("captures")
    t.check("two processes print what one prints", again == alone and len(alone) >= len(records),
            f"{len(again)} {len(alone)}")
    paged, _ = read("--memory", "16MiB", *captures)
    t.check("little memory changes nothing", paged == records)
    wrong = [r["flow_id"] for r in records
             if hashlib.sha256(base64.b64decode(r["payload"])).hexdigest() != r["payload_sha256"]
             or len(base64.b64decode(r["payload"])) != r["payload_len"]]
    t.check("payload, its length and its digest fit each other", not wrong, wrong[:5])
    ids = collections.Counter(r["flow_id"] for r in alone)
    t.check("every record has an identity of its own", max(ids.values()) == 1, ids.most_common(3))

    cases = lines(EVASION / "expected.jsonl")
    good = 0
    for case in cases:
        records, done = read(EVASION / case["capture"])
        payloads = [base64.b64decode(r["payload"]) for r in records]
        right = done.returncode == 0 and payloads == evasion_payloads(case)
        good += right
        if not right:
            t.check(case["capture"], False, f"{case}\n{payloads}")
    t.check(f"{good} of {len(cases)} evasion cases", cases and good == len(cases))
