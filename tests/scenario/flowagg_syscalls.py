#!/usr/bin/python3
"""flowagg is killed before and after its nth write, flush, link, rename and unlink. After a restart, every packet
is in every queue once. A file that is delivered again after a consumer took it has the same bytes."""

import collections
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import records
import rig

CALLS = ("write", "linkat", "unlinkat", "fsync", "fdatasync", "syncfs", "rename", "ftruncate", "mkdirat")
MOST = int(os.environ.get("FAULT_MOST", "3"))  # of each call, spread over all there are
t = rig.Report("flowagg_syscalls")
rig.require(t, "strace", programs=["lurker-capture", "lurker-flowagg"])


def frame(src, sport, data):
    l4 = struct.pack(">HHHH", sport, 53, 8 + len(data), 0) + data
    return bytes(12) + b"\x08\x00" + struct.pack(">BBHHHBBHII", 0x45, 0, 20 + len(l4), 0, 0, 64, 17, 0, src, 0x0a000001) + l4


def run(argv, state, run_dir, seconds, log):
    """Runs flowagg until it ends, or sends SIGTERM after some time. Returns whether it ended by itself."""
    with open(log, "ab") as out:
        proc = subprocess.Popen([*argv, "--state-dir", state, "--run-dir", run_dir], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=out, env=rig.environment(), start_new_session=True)
    try:
        proc.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        os.killpg(proc.pid, 15)
        proc.wait(15)
        return False


def take(state, seen, changed):
    """Takes all entries, like an uploader."""
    base = state / "spool/queue/uploader"
    for path in base.rglob("*.pcap"):
        key, data = str(path.relative_to(base)), path.read_bytes()
        if seen.setdefault(key, data) != data:
            changed.append(key)
        path.unlink()


with t:
    top = pathlib.Path(tempfile.mkdtemp(prefix="lurker-syscalls-"))
    top.chmod(0o755)
    try:
        want, now = collections.Counter(), 1_700_000_000
        source = top / "in.pcap"
        with open(source, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
            for i in range(60):
                # Three rounds, separated by silence: several commits.
                now += 100 if i % 20 == 19 else 0
                f = frame(0xc0000200 + i % 7, 1000 + i, b"x" * (i % 5) * 100)
                out.write(struct.pack("<IIII", now, i, len(f), len(f)) + f)
                want[(now * 10**9 + i, f)] += 1
        master = top / "master"
        fed = run([rig.program("lurker-capture"), "--user", "", "-r", source], master, top / "run", 20, top / "feed.log")
        t.check("the packets are in the journal", fed and any((master / "journal").glob("*.pcap")), (top / "feed.log").read_text())

        flowagg = [rig.program("lurker-flowagg"), "--user", "", "--checkpoint-bytes", "64KiB"]
        state = top / "state"
        shutil.copytree(master, state)
        subprocess.run(["strace", "-f", "-qq", "-o", top / "trace", "timeout", "-s", "TERM", "2", *flowagg, "--state-dir", state,
                        "--run-dir", top / "run"], stdin=subprocess.DEVNULL, capture_output=True, env=rig.environment())
        trace = (top / "trace").read_text()
        bad, kills, again = [], 0, 0
        for call in CALLS:
            count = sum(f" {call}(" in line for line in trace.splitlines())
            for n in sorted({1 + i * (count - 1) // max(MOST - 1, 1) for i in range(MOST)} if count else ()):
                shutil.rmtree(state)
                shutil.copytree(master, state)
                seen, changed = {}, []
                dead = run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={n}", *flowagg],
                           state, top / "run", 2, top / "killed.log")
                kills += dead
                take(state, seen, changed)
                before = len(seen)
                run(flowagg, state, top / "run", 1, top / "after.log")
                again += sum(1 for p in (state / "spool/queue/uploader").rglob("*.pcap")
                             if str(p.relative_to(state / "spool/queue/uploader")) in seen)
                take(state, seen, changed)
                stored = collections.Counter()
                queue = state / "spool/queue/analyzer"
                for path in queue.rglob("*.pcap"):
                    for ts, data, _ in records.packets(path):
                        stored[(ts, data)] += 1
                same = {str(p.relative_to(queue)): p.read_bytes() for p in queue.rglob("*.pcap")} == seen
                if stored != want or changed or not same or any((state / "spool/tmp").iterdir()):
                    bad.append((call, n, sum((want - stored).values()), sum((stored - want).values()), changed, same, before))
        t.note(f"{kills} kills; {again} files came a second time to a consumer that had taken them, the same")
        t.check("it was killed at every kind of call", kills >= len(CALLS), kills)
        t.check("every packet is in every queue exactly once after each of them", not bad, json.dumps(bad[:8], indent=1))
    finally:
        if os.environ.get("RIG_KEEP"):
            print(f"# kept {top}")
        else:
            shutil.rmtree(top, ignore_errors=True)
