#!/usr/bin/python3
"""Faults between a sensor and S3, each with an uploader of its own, all at the same time. Nothing may be lost, and
each object must have the bytes of its file. The table shows the time from the end of the fault to an empty
queue."""

import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "faults"))
import cloud
import frames
import pipeline
import rig

FILES, TIMEOUT_S = 40, 90
t = rig.Report("s3_faults")
cloud.enter(t)


def first(n, kind):
    """The fault affects the first n requests."""
    return lambda number, head, length: kind if number < n else None


def every(n, kind):
    return lambda number, head, length: kind if number % n == 0 and number < 30 else None


class Case:
    def __init__(self, place, name, fault=None, size=1000, env=None, **settings):
        self.name = name
        self.proxy = cloud.Proxy(place, fault) if fault else None
        endpoint = {"s3_endpoint": self.proxy.url} if fault else {}
        self.up = cloud.Uploader(place, name.replace(" ", "-"), env=env, stall_s=2, **{**endpoint, **settings})
        self.up.add(FILES, size)
        self.done = self.end = None

    def start(self):
        self.up.start()

    def poll(self):
        if self.up.left():
            self.done = None
        elif self.done is None:
            self.done = time.monotonic()

    def fault_end(self):
        return self.end or (self.proxy and self.proxy.last) or self.done


class FullSpool(Case):
    """The store is unavailable, and flowagg seals more than the spool may hold: 90 flows with data, and a bundle about every half minute."""

    FLOWS, ROOM = 90, 100

    def __init__(self, place, port):
        self.name, self.proxy, self.done, self.end = "full spool", None, None, None
        self.up = cloud.Uploader(place, "full-spool", s3_endpoint=f"http://127.0.0.1:{port}", uploads=1)
        self.sensor = pipeline.Pipeline(base=self.up.dir)
        place.ends.append(self.sensor.__exit__)

    def fill(self):
        path = self.up.dir / "in.pcap"
        frames.write(path, frames.conversations(self.FLOWS, every_s=20))
        code = self.sensor.feed(path)
        flowagg = self.sensor.start("flowagg", "--consumers", "uploader", "--spool-max-files", self.ROOM)
        rig.wait_for(lambda: " started " in flowagg.output() and self.sensor.taken_in() and
                     not self.sensor.now("flowagg").get("packets_pending"), "flowagg", 30, flowagg)
        rig.wait_for(lambda: "kind=spool" in flowagg.output(), "the alert", 10, flowagg)
        code = flowagg.stop() or code
        keys = self.sensor.queue("uploader")
        self.up.made = {key: (self.up.queue / key).read_bytes() for key in keys}
        self.counts = self.sensor.now("flowagg")
        log = self.up.state / "flowagg.evicted"
        lines = [x.split() for x in log.read_text().splitlines()] if log.exists() else []
        gone = [key for _, key, _, _ in lines]
        data = [key for key in keys if "bundle_" not in key]
        left = [key for key in keys - set(data)]
        t.check("full spool: every flow with data is in the queue, and no more files than there may be",
                code == 0 and len(data) == self.FLOWS and len(keys) <= self.ROOM, f"{len(data)} of {len(keys)}, exit {code}")
        # The uploader works on one entry at a time; this one stays.
        t.check("full spool: the oldest bundles went",
                len(gone) >= 10 and not set(gone) & keys and sum(key < max(gone) for key in left) <= 2, (gone, left))
        t.check("full spool: each is counted, to the packet",
                len(gone) == self.counts["dropped_evicted_files"] and not self.counts["dropped_spool"] and
                sum(int(x[2]) for x in lines) == self.counts["dropped_evicted"], (lines, self.counts))

    def audit(self, stored):
        """stored: key → bytes, what the bucket has."""
        archive = self.up.dir / "fetched"
        for key, data in stored.items():
            (archive / key).parent.mkdir(parents=True, exist_ok=True)
            (archive / key).write_bytes(data)
        said, own = (subprocess.run([rig.program("lurker"), "audit", "--state-dir", self.up.state, *more], capture_output=True,
                                    text=True, stdin=subprocess.DEVNULL, env=rig.environment())
                     for more in (("--objects", archive), ()))
        t.check("full spool: and so it does by the uploader's own count", own.returncode == 0 and
                "in the S3 store" in own.stdout and "in the archive" in own.stdout, own.stdout + own.stderr)
        t.check("full spool: the audit accounts for every packet", said.returncode == 0 and
                f"{self.counts['dropped_evicted']}  the oldest bundles" in said.stdout, said.stdout + said.stderr)


with t, cloud.Place() as place:
    rgw = cloud.Radosgw(place)
    role = rgw.role()
    stale = cloud.Keys(place, "ASIASTALE", "STALE", "STALE")
    stale.keys.append(role)
    with socket.create_server(("127.0.0.1", 0)) as free:
        late_port = free.getsockname()[1]

    cases = [
        Case(place, "status 500", first(60, "500")),
        Case(place, "status 503 SlowDown", first(60, "503")),
        Case(place, "every third 503", every(3, "503")),
        Case(place, "no answer", first(24, "hang")),
        Case(place, "reset in the middle", first(60, "reset"), size=300_000),
        Case(place, "answer lost after the PUT", first(20, "lost")),
        Case(place, "answer at 1 byte a second", first(20, "slow")),
        Case(place, "token expired", lambda n, head, length: "expired" if b"STALE" in head else None,
             env=cloud.environment(None, AWS_EC2_METADATA_DISABLED="false"), imds_endpoint=stale.url),
    ]
    outage = Case(place, "nobody listens", s3_endpoint=f"http://127.0.0.1:{late_port}")
    killed = Case(place, "killed five times", lambda n, head, length: None)
    ended = Case(place, "ended while uploading", first(8, "slow"), size=100_000)
    full = FullSpool(place, late_port)
    cases += [outage, killed, ended, full]
    if shutil.which("cc"):
        library = cloud.wrong_clock(place)
        for name, seconds in (("clock 2 h behind", -7200), ("clock 3 days ahead", 259200)):
            env = cloud.environment(LD_PRELOAD=str(library), TEST_CLOCK_SHIFT=str(seconds))
            cases.append(Case(place, name, env=env))
    else:
        t.note("a wrong clock is not tested: there is no compiler")

    running = True

    def watch():
        while running:
            for case in cases:
                case.poll()
            time.sleep(0.05)

    for case in cases:
        case.start()
    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(5):
        time.sleep(0.15)
        killed.up.proc.signal(signal.SIGKILL)
        killed.up.proc.wait()
        killed.up.add(FILES)
        killed.start()
    killed.end = time.monotonic()
    full.fill()
    code = ended.up.stop()
    t.check("SIGTERM ends an uploader in the middle of its uploads", code == 0, ended.up.proc.tail())
    ended.start()
    time.sleep(3)
    late = cloud.Proxy(place, port=late_port)
    outage.end = full.end = time.monotonic()

    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and any(c.done is None for c in cases):
        time.sleep(0.1)
    running = False
    watcher.join()

    rows, codes = [], {case: case.up.stop() for case in cases}
    stored = rgw.fetch()
    for case in cases:
        code, prefix = codes[case], case.up.name + "/"
        got = {k.removeprefix(prefix): v for k, v in stored.items() if k.startswith(prefix)}
        lost = case.up.made.keys() - got.keys()
        other = [k for k in got if got[k] != case.up.made.get(k)]
        if case is full:
            full.audit(got)
        met = sum(n for kind, n in case.proxy.counts.items() if kind) if case.proxy else 0
        took = f"{max(0, case.done - case.fault_end()):.1f} s" if case.done else "never"
        rows.append((case.name, str(len(case.up.made)), str(met or "-"), str(len(lost)), str(len(other)), took))
        t.check(f"{case.name}: nothing lost, nothing altered", case.done and not lost and not other and code == 0,
                f"left {case.up.left()}, lost {len(lost)}, other {len(other)}, exit {code}\n{case.up.proc.tail(8)}")
        if case.proxy and case is not killed:
            t.check(f"{case.name}: the fault was met", met > 0)
    rows.insert(0, ("fault", "objects", "met", "lost", "altered", "empty after its end"))
    for row in rows:
        t.note(f"{row[0]:28} {row[1]:>7} {row[2]:>5} {row[3]:>5} {row[4]:>8} {row[5]:>20}")
