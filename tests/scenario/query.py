#!/usr/bin/python3
"""`lurker query` on records of several days, some of them broken: its output, the order, and the exit code."""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

t = rig.Report("query")
rig.require(t, programs=["lurker"], root=False)

DAY = 86400
MIDNIGHT = 20413 * DAY  # 2025-11-21


def lines(*times, **more):
    return "".join(json.dumps({"init_ts": s, "src_addr": "198.51.100.7", "dst_port": 80 + int(s) % 2, "proto": "tcp",
                               "payload_len": 3, "readable": f"{s}", **more}) + "\n" for s in times)


with t, tempfile.TemporaryDirectory() as place:
    records = pathlib.Path(place) / "records" / "analysis"
    records.mkdir(parents=True)

    def query(*argv, zone="UTC"):
        return subprocess.run([rig.program("lurker"), "query", "--state-dir", place, *argv], stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=60, env={**rig.environment(), "TZ": zone})

    def said(done):
        return f"exit {done.returncode}\n{done.stdout}{done.stderr}"

    def times(*argv):
        return [json.loads(x)["init_ts"] for x in query("--json", *argv).stdout.splitlines()]

    first = [MIDNIGHT + s for s in (10, 40, 20, 30)]
    second = [MIDNIGHT + DAY + 5, MIDNIGHT + 35, MIDNIGHT + DAY + 1]  # one began the day before
    (records / "2025-11-21.jsonl").write_text(lines(*first))
    (records / "2025-11-22.jsonl").write_text(lines(*second))
    every = sorted(first + second, reverse=True)
    t.check("newest first, across days", times() == every, times())
    for limit in (1, 2, 3, 4, 6):
        t.check(f"the newest {limit}", times("--limit", str(limit)) == every[:limit], times("--limit", str(limit)))

    done = query("--limit", "1", zone="XXX-5:30")
    t.check("a table in UTC, that says so", "TIME (UTC)" in done.stdout and "2025-11-22 00:00:05" in done.stdout, said(done))
    done = query("--since", "2025-11-22T00:00:05", "--json", zone="XXX-5:30")
    t.check("--since is UTC", done.stdout.count("\n") == 1, said(done))
    t.check("or has an offset", times("--since", "2025-11-22T01:00:05+01:00") == every[:1])

    done = query("--no-table", "--limit", "1")
    t.check("--no-table is JSON", done.stdout.startswith("{"), said(done))
    for flags in (["--table", "--json"], ["-jt"], ["--count-by", "nosuch"], ["--since", "1h", "--until", "2h"], ["--since", "-5h"]):
        done = query(*flags)
        t.check(f"{' '.join(flags)} is refused", done.returncode == 2 and not done.stdout and done.stderr, said(done))
    done = query("--count-by", "dst_port", "--json", "--limit", "1")
    t.check("counts keep numbers, and say what is left out", done.stdout == '{"dst_port":80,"count":4}\n' and "3 of 7" in done.stderr,
            said(done))
    done = query("--help")
    t.check("--help has only what it uses", "--state-dir" in done.stdout and "--hwm" not in done.stdout, said(done))

    older = gzip.compress(lines(*(MIDNIGHT - DAY + s for s in range(3000))).encode())
    (records / "2025-11-20.jsonl.gz").write_bytes(older[:len(older) // 2])
    (records / "2025-11-19.jsonl.gz").write_bytes(older[:1000] + b"\xff" * 20 + older[1020:])
    (records / "2025-11-18.jsonl").write_text(lines(MIDNIGHT - 3 * DAY, app=None))
    done = query("--json", "--limit", "100000")
    found = done.stdout.splitlines()
    t.check("broken days are named", done.returncode == 1 and "2025-11-20.jsonl.gz" in done.stderr and "2025-11-19.jsonl.gz" in done.stderr,
            said(done)[-600:])
    t.check("what can be read of them is printed", len(found) > len(every) + 500, str(len(found)))
    t.check("and the days before them", json.loads(found[-1])["init_ts"] == MIDNIGHT - 3 * DAY, found[-1])
    done = query("--count-by", "app", "--until", "2025-11-19")
    t.check("null counts as absent", done.returncode == 1 and "100.0%  -" in done.stdout, said(done))
