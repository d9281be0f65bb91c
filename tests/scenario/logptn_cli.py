#!/usr/bin/python3
"""The command logptn: the interface that scripts for the original use, following files, keeping a state."""

import csv
import gzip
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import rig

LOG = """Feb  1 07:56:49 pylon sshd[5153]: Failed password for root from 192.168.0.3 port 7176 ssh2
Feb  1 07:56:51 pylon sshd[5153]: Connection closed by 192.168.0.3 [preauth]
Feb  1 08:01:26 pylon sshd[5156]: Invalid user upload from 192.168.0.3
Feb  1 08:01:28 pylon sshd[5156]: Failed password for root from 192.168.0.3 port 51058 ssh2
Feb  1 08:01:28 pylon sshd[5156]: Connection closed by 192.168.0.3 [preauth]
Feb  1 08:05:01 pylon CRON[5159]: session opened by (uid=0)
Feb  1 08:05:01 pylon CRON[5159]: session closed
"""

t = rig.Report("logptn_cli")
rig.require(t, programs=["logptn"], root=False)
TOOL = rig.program("logptn")


def run(*argv, stdin=b"", code=0):
    done = subprocess.run([TOOL, *map(str, argv)], input=stdin, capture_output=True, timeout=60, env=rig.environment())
    if done.returncode != code:
        t.check(f"exit {code} of {' '.join(map(str, argv))}", False, f"{done.returncode}\n{done.stderr.decode()}")
    return done


def out(*argv, **more):
    return run(*argv, **more).stdout.decode()


def original(log):
    text = out("--compat", log).splitlines()
    t.check("--compat: text", re.fullmatch(
        r"     2 \[[0-9a-f]{8}\] Feb  1 \*:\*:\* pylon sshd\[\*\]: Connection closed by 192\.168\.0\.3 \[preauth\]", text[1]), text)
    formats = json.loads(out("--compat", "-d", "json", log))["formats"]
    t.check("--compat: json fields", all(list(f) == ["id", "segments", "count", "sample", "Cluster"] for f in formats),
            formats)
    t.check("--compat: counts", [f["count"] for f in formats] == [2, 2, 1, 1, 1], formats)
    t.check("--compat: values", {"5153": 1, "5156": 1} in [s.get("values") for s in formats[0]["segments"]], formats[0])
    lines = out("--compat", "-c", "log", log).splitlines()
    t.check("--compat: -c log", [l[67:] for l in lines] == LOG.splitlines() and lines[0][1:65] == formats[0]["id"], lines)
    simple = json.loads(out("--compat", "--dumper", "sjson", log))["formats"]
    t.check("--compat: sjson", simple[0]["segments"][0] == "Feb  1 " and None in simple[0]["segments"], simple[0])
    page = out("--compat", "-d", "heatmap", log)
    t.check("--compat: heatmap has a cell for each column", page.count("<td class=\"cell\"") == 7 * 6
            and page.count("<span") == page.count("</span>"), page)
    t.check("-t 1 joins nothing but equal lines", len(out("--compat", "-t", "1", log).splitlines()) == 7)
    t.check("-s sets the delimiters", "*" in out("--compat", "--threshold", "0.6", "--delimiters", " ", log))
    t.check("--enable-regex keeps times whole", "Feb  1 * pylon" in out("--compat", "--enable-regex", log))
    same = out("--compat", log)
    t.check("gzip", out("--compat", f"{log}.gz") == same)
    t.check("standard input", out("--compat", "-", stdin=LOG.encode()) == same and out("--compat", stdin=LOG.encode()) == same)
    target = f"{log}.out"
    t.check("-o", out("--compat", "-o", target, log) == "" and pathlib.Path(target).read_text() == same)
    stamp = run("--compat", log).stderr.decode()
    t.check("files are announced", re.fullmatch(rf"\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d arg:{re.escape(str(log))}\n", stamp), stamp)
    for bad in (["-d", "nothing", log], ["-t", "2", log], ["-c", "x", log], ["--unknown"], [f"{log}.absent"], ["/"]):
        done = run(*bad, code=1)
        t.check(f"exit 1 and a reason for {' '.join(map(str, bad))[:30]}", done.stderr and not done.stdout, done)
    t.check("two files are one log", len(out("--compat", log, log).splitlines()) == len(same.splitlines()))


def better(log):
    formats = json.loads(out("-d", "json", log))["formats"]
    t.check("counts add up", sum(f["count"] for f in formats) == 7, formats)
    t.check("values have names", any(s.get("name") == "ip" for f in formats for s in f["segments"]), formats)
    rows = list(csv.reader(io.StringIO(out("-d", "csv", log))))
    t.check("csv", rows[0] == ["id", "count", "new", "format"] and len(rows) == 1 + len(formats), rows)
    for text, line in zip(out("-d", "regex", log).splitlines(), (f for f in formats)):
        pattern = re.compile(re.sub(r"\(\?<", "(?P<", text))
        n = sum(bool(pattern.match(l)) for l in LOG.splitlines())
        t.check(f"regex matches its {line['count']} lines", n == line["count"], text)
    t.check("grok", "%{" in out("-d", "grok", log))
    records = [json.loads(l) for l in out("-d", "ndjson", log).splitlines()]
    t.check("ndjson", len(records) == 7 and records[2]["line"] == 3 and "192.168.0.3" in records[2]["values"].values(), records)
    lines = out("-c", "log", log).splitlines()
    t.check("-c log", [l[67:] for l in lines] == LOG.splitlines())
    t.check("threads change nothing", out("--threads", "3", log) == out("--threads", "1", log))
    shuffled = "".join(sorted(LOG.splitlines(True))).encode()
    t.check("order changes nothing", out(stdin=shuffled) == out(log))
    t.check("--rare", all(int(l.split()[0]) < 2 for l in out("--rare", "2", log).splitlines()))
    trace = b"2024-01-01 10:00:00 ERROR failed 5\n\tat a.b.C(D.java:1)\nCaused by: x\n"
    t.check("a stack trace is one record", out(stdin=trace).split()[0] == "3", out(stdin=trace))
    t.check("--multiline none", len(out("--multiline", "none", stdin=trace).splitlines()) == 3)
    long = b"x " * 100000 + b"\nshort 5\n"
    t.check("a line of 200 KB", sum(int(l.split()[0]) for l in out(stdin=long).splitlines()) == 2)
    t.check("nothing in, nothing out", out(stdin=b"") == "" and out(stdin=b"\n\n\r\n") == "")
    t.check("NUL and broken UTF-8", out(stdin=b"a\x00b 5\na\x00\xff 6\n") != "")
    t.check("damaged gzip", b"gzip" in run("-", stdin=gzip.compress(LOG.encode())[:60], code=1).stderr)


def states(place):
    state = place / "state"
    first, second = LOG.encode(), b"Feb  1 09:00:00 pylon kernel: disk 5 is full\n"
    out("--state", state, stdin=first)
    new = out("--state", state, "--new", stdin=second)
    t.check("--new prints what was never there", new.splitlines() and all("disk * is full" in l for l in new.splitlines()), new)
    t.check("--new is quiet about what is known", out("--state", state, "--new", stdin=first) == "")
    whole = out(stdin=first + second + first)
    t.check("in pieces as in one run", out("--state", state, stdin=b"") == whole, whole)
    state.write_bytes(state.read_bytes()[:-1])
    t.check("a damaged state is refused", b"damaged" in run("--state", state, stdin=first, code=1).stderr)


class Reader:
    """Reads the lines of a running logptn without blocking."""

    def __init__(self, *argv, **more):
        self.p = subprocess.Popen([TOOL, *map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  env=rig.environment(), **more)
        os.set_blocking(self.p.stdout.fileno(), False)
        self.text = ""

    def has(self, what):
        self.text += (self.p.stdout.read() or b"").decode()
        return what in self.text

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        rest = self.p.communicate(timeout=10)[0]
        self.text += (rest or b"").decode()
        return self.p.returncode


def following(place):
    log, state = place / "live.log", place / "live.state"
    log.write_text("link 1 is up\n")
    r = Reader("-f", "--state", state, log)
    rig.wait_for(lambda: r.has("link * is up"), "the first format")
    with open(log, "a") as f:
        f.write("fan 3 stopped\n")
    start = time.monotonic()
    rig.wait_for(lambda: r.has("fan * stopped"), "a new format")
    t.check("a new format appears within a second", time.monotonic() - start < 1)
    log.rename(place / "live.log.1")
    log.write_text("pump 4 started\n")
    rig.wait_for(lambda: r.has("pump * started"), "a format after rotation")
    t.check("rotation", True)
    os.truncate(log, 0)
    time.sleep(0.6)
    with open(log, "a") as f:
        f.write("valve 9 opened\n")
    rig.wait_for(lambda: r.has("valve * opened"), "a format after truncation")
    t.check("truncation", True)
    t.check("ends well", r.end() == 0)
    total = {l.split("] ")[1]: int(l.split()[0]) for l in r.text.splitlines()}
    t.check("nothing is counted twice", total == {"link * is up": 1, "fan * stopped": 1, "pump * started": 1,
                                                  "valve * opened": 1}, r.text)
    t.check("the state was saved", len(out("--state", state, stdin=b"").splitlines()) == 4)
    r = Reader("-f", "-", stdin=subprocess.PIPE)
    r.p.stdin.write(b"link 1 is up\n")
    r.p.stdin.flush()
    rig.wait_for(lambda: r.has("link * is up"), "a format from standard input as it comes")
    r.p.stdin.close()
    t.check("standard input ends", r.p.wait(10) == 0)
    r = Reader("-f", "-c", "log", "-", stdin=subprocess.PIPE)
    r.p.stdin.write(b"link 1 is up\n")
    r.p.stdin.flush()
    rig.wait_for(lambda: r.has("] link 1 is up"), "a line from standard input as it comes")
    t.check("-f -c log", r.end() == 0)


with t, tempfile.TemporaryDirectory() as tmp:
    place = pathlib.Path(tmp)
    log = place / "sample.log"
    log.write_text(LOG)
    (place / "sample.log.gz").write_bytes(gzip.compress(LOG.encode()))
    t.check("--help", "Usage: logptn" in out("--help") and out("--version").startswith("logptn "))
    original(log)
    better(log)
    states(place)
    following(place)
